//! gudok: subscription billing over Toss Payments. This file is the map, in reading order.
//!
//! The way of a confirmation: [`payments::api`] → `payments/confirm.rs` (claim) → `payments/settle.rs` (ask, record) →
//! [`toss`] and back → [`payments::apply`], the one place where what Toss says becomes state → [`subscriptions`] or
//! [`event_amounts`].

pub mod app;
pub mod clock;
pub mod config;
pub mod crash;
pub mod db;
mod generations;
pub mod metrics;
pub mod telemetry;

pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod http;
pub mod idempotency;
pub mod pages;

pub mod plans;
pub mod temp_orders;

pub mod checkout;

pub mod compensations;
pub mod payments;
pub mod refunds;
pub mod toss;

pub mod event_amounts;
pub mod subscriptions;

pub mod admin;
pub mod attention;
pub mod check;
pub mod due;
pub mod findings;
pub mod reconcile;

pub mod exports;
pub mod figures;

pub mod jobs;
pub mod run;
pub mod users;
pub mod webhooks;

pub mod cli;

#[doc(hidden)]
pub mod fuzzing;
