//! Pushboat function `notify`.

fn main() {}
