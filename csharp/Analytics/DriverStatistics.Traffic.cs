using NetDriver.Interop;

namespace NetDriver.Analytics
{
    public partial struct DriverStatistics
    {
        internal nd_driver_statistics m_Native;

        // Unity Transport's part: traffic, with the headers of IP and UDP or TCP.
        private ulong m_RxExactBytes;
        private ulong m_TxExactBytes;

        /// <summary>Bytes that came in, with the headers that the system adds, estimated.</summary>
        public ulong RxTotalBytes { get; private set; }

        /// <summary>Bytes that went out, with the headers that the system adds.</summary>
        public ulong TxTotalBytes { get; private set; }

        /// <summary>Packets that came in; for streams the segments that the bytes fill.</summary>
        public ulong RxTotalPackets { get; private set; }

        /// <summary>Packets that went out.</summary>
        public ulong TxTotalPackets { get; private set; }

        /// <summary>Sizes of packets that came in.</summary>
        public PacketSizeStatistics RxPacketSizes { get; private set; }

        /// <summary>Sizes of packets that went out.</summary>
        public PacketSizeStatistics TxPacketSizes { get; private set; }

        /// <summary>Bandwidth on the way in.</summary>
        public BandwidthStatistics RxBandwidth { get; private set; }

        /// <summary>Bandwidth on the way out.</summary>
        public BandwidthStatistics TxBandwidth { get; private set; }

        /// <summary>Packets that came in with one update, on average.</summary>
        public float RxMeanQueueUsage { get; private set; }

        /// <summary>Packets that went out with one update, on average.</summary>
        public float TxMeanQueueUsage { get; private set; }

        /// <summary>The most packets that came in with one update.</summary>
        public uint RxMaximumQueueUsage { get; private set; }

        /// <summary>The most packets that went out with one update.</summary>
        public uint TxMaximumQueueUsage { get; private set; }

        /// <summary>Bytes taken from the system: exact, without estimated headers.</summary>
        public ulong RxExactBytes
        {
            get { return m_RxExactBytes; }
        }

        /// <summary>Bytes given to the system: exact, without estimated headers.</summary>
        public ulong TxExactBytes
        {
            get { return m_TxExactBytes; }
        }

        internal static unsafe DriverStatistics From(
            nd_driver_statistics native, nd_traffic_statistics traffic)
        {
            DriverStatistics statistics = default(DriverStatistics);
            statistics.m_Native = native;
            statistics.m_RxExactBytes = traffic.rx.exact_bytes;
            statistics.m_TxExactBytes = traffic.tx.exact_bytes;
            statistics.RxTotalBytes = traffic.rx.bytes;
            statistics.TxTotalBytes = traffic.tx.bytes;
            statistics.RxTotalPackets = traffic.rx.packets;
            statistics.TxTotalPackets = traffic.tx.packets;
            statistics.RxPacketSizes = PacketSizeStatistics.From(&traffic.rx);
            statistics.TxPacketSizes = PacketSizeStatistics.From(&traffic.tx);
            statistics.RxBandwidth = BandwidthStatistics.From(&traffic.rx);
            statistics.TxBandwidth = BandwidthStatistics.From(&traffic.tx);
            statistics.RxMeanQueueUsage = traffic.rx.queue_mean;
            statistics.TxMeanQueueUsage = traffic.tx.queue_mean;
            statistics.RxMaximumQueueUsage = traffic.rx.queue_max;
            statistics.TxMaximumQueueUsage = traffic.tx.queue_max;
            return statistics;
        }
    }
}
