//! Everything that exists in the simulator, under one lock. The world knows the services, and they do not know it.

mod calls;
mod state;
mod time;

pub(crate) use state::World;
