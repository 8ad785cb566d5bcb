//! A call that fails inside on purpose; only built for the tests.

use super::boundary::with_driver;
use super::codes::nd_result;
use super::structs::nd_driver;

/// Panic inside a call on this driver.
///
/// @param driver  the driver
/// @return ND_ERROR_PANIC
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_test_panic(driver: *mut nd_driver) -> nd_result {
    with_driver(driver, |_| panic!("nd_test_panic was called"))
}
