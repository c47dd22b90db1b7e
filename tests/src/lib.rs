//! Black-box tests over the built functions.
