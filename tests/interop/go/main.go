// Go Micro's own mDNS registry as a program, for tests of ours against it.
//
// It multicasts on every interface that there is: run it in a network namespace, as ./run does.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"go-micro.dev/v4/registry"
)

func main() {
	mdns := registry.NewRegistry()
	out := json.NewEncoder(os.Stdout)
	switch what, name := os.Args[1], os.Args[2]; what {
	case "register":
		// A service until a line comes in.
		service := &registry.Service{
			Name:    name,
			Version: "latest",
			Endpoints: []*registry.Endpoint{{
				Name:     "Greeter.Hello",
				Request:  &registry.Value{Name: "HelloRequest", Type: "HelloRequest"},
				Metadata: map[string]string{"stream": "false"},
			}},
			Nodes: []*registry.Node{{
				Id:       name + "-go",
				Address:  "127.0.0.1:7070",
				Metadata: map[string]string{"protocol": "mucp"},
			}},
		}
		check(mdns.Register(service))
		fmt.Println("registered")
		bufio.NewReader(os.Stdin).ReadString('\n')
		check(mdns.Deregister(service))
	case "get":
		services, err := mdns.GetService(name)
		check(err)
		check(out.Encode(services))
	case "list":
		services, err := mdns.ListServices()
		check(err)
		check(out.Encode(services))
	case "watch":
		watcher, err := mdns.Watch(registry.WatchService(name))
		check(err)
		for {
			result, err := watcher.Next()
			check(err)
			check(out.Encode(result))
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
