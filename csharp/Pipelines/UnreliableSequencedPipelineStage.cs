namespace NetDriver
{
    /// <summary>
    /// Stage of a pipeline: messages that come after a later one are dropped.
    /// </summary>
    public struct UnreliableSequencedPipelineStage
    {
        /// <summary>What such stages have counted on one connection.</summary>
        public struct Statistics
        {
            /// <summary>Packets sent.</summary>
            public ulong NumPacketsSent;
            /// <summary>Packets received.</summary>
            public ulong NumPacketsReceived;
            /// <summary>Packets dropped because a newer one had come before.</summary>
            public ulong NumPacketsCulledOutOfOrder;
            /// <summary>Packets that never came.</summary>
            public ulong NumPacketsDroppedNeverArrived;

            /// <summary>The part of the packets that never came, from 0 to 1.</summary>
            public double NetworkPacketLossPercent
            {
                get { return Part(NumPacketsDroppedNeverArrived); }
            }

            /// <summary>The part of the packets that came too late, from 0 to 1.</summary>
            public double OutOfOrderPacketLossPercent
            {
                get { return Part(NumPacketsCulledOutOfOrder); }
            }

            /// <summary>Both together.</summary>
            public double CombinedPacketLossPercent
            {
                get { return Part(NumPacketsDroppedNeverArrived + NumPacketsCulledOutOfOrder); }
            }

            /// <summary>Such as "sent 5, received 4, never arrived 1 (20 %), out of order 0 (0 %)".
            /// </summary>
            public override string ToString()
            {
                return "sent " + NumPacketsSent + ", received " + NumPacketsReceived
                    + ", never arrived " + NumPacketsDroppedNeverArrived
                    + Percent(NetworkPacketLossPercent)
                    + ", out of order " + NumPacketsCulledOutOfOrder
                    + Percent(OutOfOrderPacketLossPercent);
            }

            private double Part(ulong count)
            {
                return NumPacketsReceived == 0 ? 0
                    : count / (double)(NumPacketsReceived + NumPacketsDroppedNeverArrived);
            }

            private static string Percent(double part)
            {
                return " (" + (int)(100 * part) + " %)";
            }
        }
    }
}
