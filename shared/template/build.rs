//! Says where `template.yaml` is: in the repository beside the packages, and in a package within it.

use std::path::Path;

fn main() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = package.join("../../template.yaml");
    // The file of the package is a link in the repository, which not every system has.
    let file = if beside.is_file() {
        beside
    } else {
        package.join("template.yaml")
    };
    println!("cargo::rustc-env=TEMPLATE={}", file.display());
    println!("cargo::rerun-if-changed={}", file.display());
}
