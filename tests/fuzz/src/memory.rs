//! How much memory a target takes.
//!
//! libFuzzer's own limit is one of the whole process and far above what a
//! function of 128 MB can spare, so that each run is measured here.

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// What may be taken whatever the input: messages, sets of names.
const ANYWAY_BYTES: usize = 128 * 1024;

/// Runs something and checks the most that it held at once.
///
/// What is measured is the whole process: nothing else may run meanwhile.
pub(crate) fn bounded(input_bytes: usize, bytes_for_each: usize, run: impl FnOnce()) {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    run();
    let taken = HEAP.peak_usage().saturating_sub(before);
    let allowed = input_bytes
        .saturating_mul(bytes_for_each)
        .saturating_add(ANYWAY_BYTES);
    assert!(
        taken <= allowed,
        "{input_bytes} bytes of input took {taken} bytes of memory, {allowed} are allowed"
    );
}
