using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// Limits of one connection, or of all on one interface. A field that is 0 says nothing: what
    /// is wider holds, the interface's limit for a connection, the driver's for an interface.
    /// </summary>
    public struct ConnectionLimits
    {
        /// <summary>Messages that may wait to be popped.</summary>
        public uint ReceiveQueueCapacity;
        /// <summary>Payload bytes that may wait to be popped.</summary>
        public uint InboundBytesMax;
        /// <summary>Bytes that may wait to be sent.</summary>
        public uint OutboundBytesMax;
        /// <summary>Bytes of the longest plain WebSocket message, in and out.</summary>
        public uint WebSocketMessageSizeMax;
        /// <summary>Messages that may wait to be sent over a WebSocket;
        /// <see cref="uint.MaxValue"/> is no such limit.</summary>
        public uint WebSocketSendQueueCapacity;

        internal static ConnectionLimits From(nd_connection_limits native)
        {
            return new ConnectionLimits
            {
                ReceiveQueueCapacity = native.receive_queue_capacity,
                InboundBytesMax = native.inbound_bytes_max,
                OutboundBytesMax = native.outbound_bytes_max,
                WebSocketMessageSizeMax = native.websocket_message_size_max,
                WebSocketSendQueueCapacity = native.websocket_send_queue_capacity,
            };
        }

        internal unsafe nd_connection_limits ToNative()
        {
            nd_connection_limits native;
            NativeMethods.nd_connection_limits_init(&native);
            native.receive_queue_capacity = ReceiveQueueCapacity;
            native.inbound_bytes_max = InboundBytesMax;
            native.outbound_bytes_max = OutboundBytesMax;
            native.websocket_message_size_max = WebSocketMessageSizeMax;
            native.websocket_send_queue_capacity = WebSocketSendQueueCapacity;
            return native;
        }
    }
}
