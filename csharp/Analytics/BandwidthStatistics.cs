using NetDriver.Interop;

namespace NetDriver.Analytics
{
    /// <summary>
    /// Bandwidth in kilobits (1000 bits) per second, headers of IP and UDP or TCP included.
    /// </summary>
    public struct BandwidthStatistics
    {
        /// <summary>Since the driver was created.</summary>
        public float Mean;
        /// <summary>In the last full second.</summary>
        public float Current;
        /// <summary>In the quietest full second; 0 before there was one.</summary>
        public float Minimum;
        /// <summary>In the busiest full second; 0 before there was one.</summary>
        public float Maximum;
        /// <summary>In the busiest update.</summary>
        public float MaximumBurst;

        internal static unsafe BandwidthStatistics From(nd_traffic* traffic)
        {
            return new BandwidthStatistics
            {
                Mean = traffic->bandwidth_mean,
                Current = traffic->bandwidth_current,
                Minimum = traffic->bandwidth_min,
                Maximum = traffic->bandwidth_max,
                MaximumBurst = traffic->bandwidth_burst,
            };
        }
    }
}
