"""Writes random messages as protobuf and JSON, or checks what another wrote.

    peer.py write SET TYPE SEED COUNT    prints a line for each message: hex, a blank, JSON
    peer.py read SET TYPE                reads such lines, and fails where the two differ
"""

import random
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

SCALARS = {
    "int32": [0, 1, -1, 2**31 - 1, -(2**31)],
    "int64": [0, 1, -1, 2**63 - 1, -(2**63), 2**53 + 1],
    "uint32": [0, 1, 2**32 - 1],
    "uint64": [0, 1, 2**64 - 1, 2**53 + 1],
    "float": [0.0, 1.5, -0.1, 3.3e38, 1e-30, float("inf"), float("-inf")],
    "double": [0.0, 1.5, -0.1, 1e300, 5e-324, 1 / 3, float("inf"), float("-inf")],
    "bool": [False, True],
    "string": ["", "a", "\u00e4\u20ac\U0001f372", 'quote " slash \\ / \n \t \x01', "null"],
    "bytes": [b"", b"\0", b"\xfb\xff", bytes(range(256))],
}
D = descriptor_pb2.FieldDescriptorProto
KINDS = {
    D.TYPE_INT32: "int32", D.TYPE_SINT32: "int32", D.TYPE_SFIXED32: "int32",
    D.TYPE_INT64: "int64", D.TYPE_SINT64: "int64", D.TYPE_SFIXED64: "int64",
    D.TYPE_UINT32: "uint32", D.TYPE_FIXED32: "uint32",
    D.TYPE_UINT64: "uint64", D.TYPE_FIXED64: "uint64",
    D.TYPE_FLOAT: "float", D.TYPE_DOUBLE: "double", D.TYPE_BOOL: "bool",
    D.TYPE_STRING: "string", D.TYPE_BYTES: "bytes",
}


def load(path):
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(open(path, "rb").read())
    for file in files.file:
        pool.Add(file)
    return pool


def scalar(rng, field):
    if field.type == D.TYPE_ENUM:
        values = [value.number for value in field.enum_type.values]
        return rng.choice(values + ([] if field.enum_type.full_name.startswith("google") else [1234]))
    return rng.choice(SCALARS[KINDS[field.type]])


def special(rng, message, depth, pool):
    """The well-known types have rules of their own."""
    name = message.DESCRIPTOR.full_name
    if name == "google.protobuf.Timestamp":
        message.seconds = rng.choice([0, -1, -62135596800, 253402300799, rng.randrange(2**31)])
        message.nanos = rng.choice([0, 1, 1000, 500000000, 999999999])
    elif name == "google.protobuf.Duration":
        sign = rng.choice([1, -1])
        message.seconds = sign * rng.choice([0, 1, 315575999999])
        message.nanos = sign * rng.choice([0, 1, 1000, 500000000, 999999999])
    elif name == "google.protobuf.FieldMask":
        message.paths.extend(rng.choice([[], ["a"], ["a_b.c_d", "foo_bar_baz"]]))
    elif name == "google.protobuf.Any":
        inner = rng.choice(["kitchen.sink.v1.Plate", "google.protobuf.Duration", "kitchen.types.Unit"])
        packed = message_factory.GetMessageClass(pool.FindMessageTypeByName(inner))()
        fill(rng, packed, depth + 1, pool)
        message.Pack(packed)
    elif name == "google.protobuf.Value":
        kind = rng.choice(["null", "number", "string", "bool"] + (["list", "struct"] if depth < 5 else []))
        if kind == "null":
            message.null_value = 0
        elif kind == "number":
            message.number_value = rng.choice([0.0, -1.5, 1e100])
        elif kind == "string":
            message.string_value = rng.choice(SCALARS["string"])
        elif kind == "bool":
            message.bool_value = rng.choice([False, True])
        elif kind == "list":
            message.list_value.SetInParent()
            for _ in range(rng.randrange(3)):
                special(rng, message.list_value.values.add(), depth + 1, pool)
        else:
            message.struct_value.SetInParent()
            for key in rng.sample(["a", "b c", ""], rng.randrange(3)):
                special(rng, message.struct_value.fields[key], depth + 1, pool)
    else:
        return False
    return True


def fill(rng, message, depth, pool):
    if special(rng, message, depth, pool):
        return
    for field in message.DESCRIPTOR.fields:
        if field.name == "nulls":
            continue  # Python writes a list of nulls, but does not read one.
        if rng.random() > (0.3 if depth == 0 else 0.1):
            continue
        is_message = field.type in (D.TYPE_MESSAGE, D.TYPE_GROUP)
        if is_message and depth > 4:
            continue
        if is_message and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            entries = getattr(message, field.name)
            for _ in range(rng.randrange(3)):
                if value.type == D.TYPE_MESSAGE:
                    fill(rng, entries[scalar(rng, key)], depth + 1, pool)
                else:
                    entries[scalar(rng, key)] = scalar(rng, value)
        elif field.is_repeated if hasattr(field, "is_repeated") else field.label == D.LABEL_REPEATED:
            for _ in range(rng.randrange(3)):
                if is_message:
                    fill(rng, getattr(message, field.name).add(), depth + 1, pool)
                else:
                    getattr(message, field.name).append(scalar(rng, field))
        elif is_message:
            getattr(message, field.name).SetInParent()
            fill(rng, getattr(message, field.name), depth + 1, pool)
        else:
            setattr(message, field.name, scalar(rng, field))


def main():
    mode, path, name = sys.argv[1:4]
    pool = load(path)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    if mode == "write":
        rng = random.Random(int(sys.argv[4]))
        for _ in range(int(sys.argv[5])):
            message = kind()
            fill(rng, message, 0, pool)
            text = json_format.MessageToJson(message, indent=None, descriptor_pool=pool)
            print(message.SerializeToString().hex() or "-", text)
    else:
        for line in sys.stdin:
            encoded, text = line.rstrip("\n").split(" ", 1)
            message = kind.FromString(bytes.fromhex(encoded.replace("-", "")))
            parsed = json_format.Parse(text, kind(), descriptor_pool=pool)
            if parsed != message:
                sys.exit(f"differs: {text}\n{message}")


main()
