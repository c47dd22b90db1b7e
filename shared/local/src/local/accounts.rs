//! Regions, roles and other accounts.

use super::aws::LocalAws;

impl LocalAws {
    /// Sets which Regions are enabled for the account; from then on KMS refuses its credentials in all others. At first they
    /// are those that every account has, and KMS answers everywhere.
    pub fn set_regions(&self, regions: &[&str]) {
        self.with(|world| world.accounts.set_regions(regions));
    }

    /// Adds a role that everybody may assume who is let into this account, with its path if it has one
    /// (`audit/Reader`), and the external id that it wants.
    pub fn add_role(&self, name: &str, external_id: Option<&str>) {
        self.with(|world| world.accounts.add_role(name, external_id));
    }

    /// Makes the account of another simulator one of the same organisation: it is listed, its roles can be assumed here, and
    /// calls of their sessions go to it. This account is listed, too, as `management`.
    pub fn add_account(&self, name: &str, other: &LocalAws) {
        let (own, id) = (self.account().to_owned(), other.account().to_owned());
        let world = other.shared();
        self.with(|here| {
            here.accounts.list(&own, "management", "ACTIVE");
            here.accounts.list(&id, name, "ACTIVE");
            here.members.insert(id, world);
        });
    }

    /// Lists an account without a simulator of its own, in this state (`SUSPENDED`).
    pub fn list_account(&self, id: &str, name: &str, state: &'static str) {
        let own = self.account().to_owned();
        self.with(|world| {
            world.accounts.list(&own, "management", "ACTIVE");
            world.accounts.list(id, name, state);
        });
    }
}
