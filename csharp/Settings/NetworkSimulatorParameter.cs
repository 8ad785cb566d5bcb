namespace NetDriver
{
    /// <summary>
    /// A bad network for tests, below the protocol of the datagram interfaces (UDP, IPC). The
    /// default value is a good network.
    /// </summary>
    public struct NetworkSimulatorParameter : INetworkParameter
    {
        /// <summary>Percent of arriving packets that are lost, 0 to 100.</summary>
        public float ReceivePacketLossPercent;
        /// <summary>Percent of leaving packets that are lost, 0 to 100.</summary>
        public float SendPacketLossPercent;
        /// <summary>Percent of leaving packets that leave twice, 0 to 100.</summary>
        public float SendDuplicatePercent;
        /// <summary>Percent of leaving packets that overtake the others, 0 to 100.</summary>
        public float SendReorderPercent;
        /// <summary>Milliseconds by which leaving packets are late.</summary>
        public uint SendDelayMS;
        /// <summary>Milliseconds by which that varies, either way.</summary>
        public uint SendJitterMS;
        /// <summary>Bytes of the largest packet that arrives, of which whole ones count; 0 is no
        /// limit. (A float as Unity Transport's.)</summary>
        public float ReceiveMtu;
        /// <summary>Nothing goes in or out.</summary>
        public bool Partitioned;
        /// <summary>Start of the random sequence: one seed, one behaviour.</summary>
        public ulong Seed;
        /// <summary>Bytes that leave in a second, over all connections; packets wait for those in
        /// front. 0 is no limit.</summary>
        public uint SendBytesPerSecond;
        /// <summary>Bytes that may wait for that before further packets are lost; 0 is no
        /// limit.</summary>
        public uint SendBacklogBytes;

        /// <summary>Are the values possible ones?</summary>
        /// <returns>True when each percentage is from 0 to 100, and the MTU is 0 or at least 1, and
        /// an int holds it.</returns>
        public bool Validate()
        {
            return IsPercentage(ReceivePacketLossPercent) && IsPercentage(SendPacketLossPercent)
                && IsPercentage(SendDuplicatePercent) && IsPercentage(SendReorderPercent)
                && HasMtu;
        }

        // Less than a byte would be cut to no limit. The greatest int is no float: compared as one
        // it is the number after it.
        internal bool HasMtu
        {
            get { return ReceiveMtu == 0 || (ReceiveMtu >= 1 && ReceiveMtu < 2147483648f); }
        }

        internal static bool IsPercentage(float value)
        {
            return value >= 0 && value <= 100;
        }

        internal unsafe int ApplyTo(Interop.nd_driver* driver)
        {
            if (!HasMtu)
                return (int)Error.StatusCode.InvalidArgument;
            Interop.nd_network_simulator native;
            Interop.NativeMethods.nd_network_simulator_init(&native);
            native.receive_loss_percent = ReceivePacketLossPercent;
            native.send_loss_percent = SendPacketLossPercent;
            native.send_duplicate_percent = SendDuplicatePercent;
            native.send_reorder_percent = SendReorderPercent;
            native.send_delay_ms = SendDelayMS;
            native.send_jitter_ms = SendJitterMS;
            native.receive_mtu = (uint)ReceiveMtu;
            native.partitioned = Partitioned ? 1u : 0u;
            native.seed = Seed;
            native.send_bytes_per_second = SendBytesPerSecond;
            native.send_backlog_bytes = SendBacklogBytes;
            return Interop.NativeMethods.nd_driver_set_network_simulator(driver, &native);
        }
    }
}
