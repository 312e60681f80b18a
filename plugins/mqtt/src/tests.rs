use super::*;
use conductor_plugin::testing;

#[test]
fn x() {
    testing::reset();
}
