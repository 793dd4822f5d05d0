//! Pushboat function `rollout`.

fn main() {}
