using NetDriver.Interop;

namespace NetDriver.Analytics
{
    /// <summary>
    /// Sizes of packets in bytes, headers of IP and UDP or TCP included.
    /// </summary>
    public struct PacketSizeStatistics
    {
        /// <summary>The mean.</summary>
        public float Mean;
        /// <summary>The standard deviation.</summary>
        public float StandardDeviation;
        /// <summary>The smallest; 0 when there was none.</summary>
        public uint Minimum;
        /// <summary>The largest.</summary>
        public uint Maximum;
        /// <summary>Packets of up to 127 bytes.</summary>
        public ulong SmallerThan128Bytes;
        /// <summary>Packets of 128 to 255 bytes.</summary>
        public ulong Between128And255Bytes;
        /// <summary>Packets of 256 to 511 bytes.</summary>
        public ulong Between256And511Bytes;
        /// <summary>Packets of 512 to 1023 bytes.</summary>
        public ulong Between512And1023Bytes;
        /// <summary>Packets of 1024 bytes and more.</summary>
        public ulong LargerThan1023Bytes;

        internal static unsafe PacketSizeStatistics From(nd_traffic* traffic)
        {
            return new PacketSizeStatistics
            {
                Mean = traffic->size_mean,
                StandardDeviation = traffic->size_deviation,
                Minimum = traffic->size_min,
                Maximum = traffic->size_max,
                SmallerThan128Bytes = traffic->size_classes[0],
                Between128And255Bytes = traffic->size_classes[1],
                Between256And511Bytes = traffic->size_classes[2],
                Between512And1023Bytes = traffic->size_classes[3],
                LargerThan1023Bytes = traffic->size_classes[4],
            };
        }
    }
}
