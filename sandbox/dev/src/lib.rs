//! What `cargo dev` shows: a demo catalogue, and weeks of business that went through the real purchase path.

use std::error::Error;

pub mod catalogue;
pub mod demo;

/// What can go wrong: anything, and then the developer reads it.
pub type Broken = Box<dyn Error + Send + Sync>;
