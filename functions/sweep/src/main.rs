//! Pushboat function `sweep`.

fn main() {}
