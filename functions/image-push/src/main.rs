//! Pushboat function `image-push`.

fn main() {}
