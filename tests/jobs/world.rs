//! Drivers with jobs, and what jobs say when they run.

use std::sync::{Arc, Mutex};

use netdriver::settings::NetworkSettings;
use netdriver::{Job, NetworkDriver, Result, SharedDriver};

/// A driver without interfaces, with so many threads for its jobs.
pub fn driver(job_workers: u32) -> SharedDriver {
    let settings = NetworkSettings { job_workers, ..NetworkSettings::default() };
    let driver = NetworkDriver::new(&settings).expect("the settings are good");
    SharedDriver::new(driver).expect("there is no pump")
}

/// What jobs have said, in order.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<Vec<&'static str>>>);

impl Said {
    pub fn say(&self, word: &'static str) {
        self.0.lock().expect("nobody panicked").push(word);
    }

    pub fn words(&self) -> Vec<&'static str> {
        self.0.lock().expect("nobody panicked").clone()
    }

    /// Schedules a job that says a word.
    pub fn schedule(&self, driver: &SharedDriver, word: &'static str, after: Job) -> Job {
        let said = self.clone();
        let job = driver.schedule_job(
            move |_| {
                said.say(word);
                Ok(())
            },
            after,
        );
        job.expect("is scheduled")
    }
}

/// Schedules a job that does this.
pub fn schedule(
    driver: &SharedDriver,
    body: impl FnOnce(&SharedDriver) -> Result<()> + Send + 'static,
) -> Job {
    driver.schedule_job(body, Job::default()).expect("is scheduled")
}
