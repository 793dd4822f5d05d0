//! Pushboat.
