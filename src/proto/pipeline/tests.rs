use super::*;

#[derive(Default)]
struct Collected {
    packets: Vec<Vec<u8>>,
    messages: Vec<Vec<u8>>,
}

impl Output for Collected {
    fn transmit(&mut self, packet: &[u8]) {
        self.packets.push(packet.to_vec());
    }

    fn deliver(&mut self, message: &[u8]) {
        self.messages.push(message.to_vec());
    }
}

#[test]
fn a_null_stage_adds_nothing() {
    let config = PipelineConfig::new(vec![StageConfig::Null]).unwrap();
    let mut pipeline = Pipeline::new(&config, 1);
    let mut out = Collected::default();
    assert_eq!(pipeline.handle_send(0, b"hello", 1390, &mut out), Ok(()));
    assert_eq!(pipeline.handle_packet(0, b"hello", &mut out), Ok(()));
    assert_eq!((out.packets, out.messages), (vec![b"hello".to_vec()], vec![b"hello".to_vec()]));
}
