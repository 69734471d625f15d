use micro::registry::MemoryRegistry;

use super::suite::registry::{self, Suite};

fn suite() -> Suite {
    let memory = MemoryRegistry::new();
    Suite::new(move || memory.clone())
}

macro_rules! tests {
    ($($name:ident)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            registry::$name(&suite()).await;
        }
    )*};
}

micro_tests::registry_properties!(tests);
