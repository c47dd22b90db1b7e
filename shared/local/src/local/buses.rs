//! Buses of EventBridge, and parameters of Systems Manager.

use serde_json::Value;

use super::aws::LocalAws;

impl LocalAws {
    /// Creates a bus in the simulator's account and Region (or finds the one with this name) and returns its ARN.
    pub fn create_event_bus(&self, name: &str) -> String {
        let partition = crate::spelling::partition(self.region());
        let (region, account) = (self.region(), self.account());
        let arn = format!("arn:{partition}:events:{region}:{account}:event-bus/{name}");
        self.create_event_bus_at(&arn);
        arn
    }

    /// Creates a bus with this ARN, which may be of another account and Region, and takes what is put on it from here.
    pub fn create_event_bus_at(&self, arn: &str) {
        self.with(|world| world.eventbridge.create_bus(arn));
    }

    /// What was put on a bus since the last time, as its rules would get it.
    #[must_use]
    pub fn take_bus_events(&self, arn: &str) -> Vec<Value> {
        self.with(|world| world.eventbridge.take(arn))
    }

    /// Has a bus refuse the next entries, each with this code, in calls that succeed: as EventBridge does where it is busy
    /// (`ThrottlingException`, `InternalFailure`) or where the bus lets nobody in (`AccessDeniedException`).
    pub fn refuse_entries(&self, arn: &str, code: &'static str, times: usize) {
        self.with(|world| world.eventbridge.refuse(arn, code, times));
    }

    /// Puts a parameter of type `String` or `StringList` in place, or changes it.
    pub fn put_parameter(&self, name: &str, kind: &'static str, value: &str) {
        self.with(|world| world.ssm.put(name, kind, value));
    }
}
