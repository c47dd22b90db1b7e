//! An array of objects, the most urgent key first. New members and values are no breaking change.

use crate::inventory::error::InventoryError;
use crate::inventory::row::Row;

pub(crate) fn render(rows: &[Row]) -> Result<Vec<u8>, InventoryError> {
    let mut report = serde_json::to_vec_pretty(rows)?;
    report.push(b'\n');
    Ok(report)
}
