//! A device and a collector in one WebAssembly module, for the demo page.
//!
//! The page talks to it in numbers alone: it pushes entropy in, one word at a time, and reads a report out, one byte at a
//! time. There is no shared memory to get wrong, and nothing is imported from the page.

mod demo;
mod exports;
