//! Pushboat function `service-change`.

fn main() {}
