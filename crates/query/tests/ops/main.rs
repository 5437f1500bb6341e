//! Operations through the library: what is read, what is refused, what hostile files can do, what a mock and a notice say.

mod hostile;
mod joins;
mod ledgers;
mod minimal;
mod mock;
mod notice;
mod odd;
mod shop;
