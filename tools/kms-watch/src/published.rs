//! The published schemas are those of the types that make a report.

use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::json;

/// The schema of `T`, published as `docs/schema/<name>.json`. `INSTA_UPDATE=always` makes the file anew.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test says there that the file is to be made anew"
)]
pub(crate) fn is_published<T: JsonSchema>(name: &str, title: &str) {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    schema["$id"] = json!(format!("https://kms-watch.invalid/schema/{name}.json"));
    schema["title"] = json!(title);
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/schema")
        .join(format!("{name}.json"));
    // In which order the members stand depends on what else is built.
    let published = || -> Option<serde_json::Value> {
        serde_json::from_str(&std::fs::read_to_string(&file).ok()?).ok()
    };
    let is_to_be_made = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    if is_to_be_made && published().as_ref() != Some(&schema) {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        std::fs::write(&file, text).unwrap();
    }
    assert!(
        published() == Some(schema),
        "{} is another; INSTA_UPDATE=always makes it anew",
        file.display()
    );
}
