using System;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>What belongs to the reliable stage.</summary>
    public static partial class ReliableUtility
    {
        /// <summary>The fewest milliseconds until a packet is sent again, if nothing else was
        /// set.</summary>
        public const int DefaultMinimumResendTime = 64;
        /// <summary>The most milliseconds until a packet is sent again, if nothing else was
        /// set.</summary>
        public const int DefaultMaximumResendTime = 200;
        /// <summary>The same, by its older name.</summary>
        [Obsolete("Renamed to DefaultMaximumResendTime.")]
        public const int MaximumResendTime = DefaultMaximumResendTime;

        /// <summary>Its parameters.</summary>
        public struct Parameters : INetworkParameter
        {
            /// <summary>
            /// Packets that may be under way without an acknowledgement, rounded up to a multiple
            /// of 8; both sides need the same. 1 to 2040.
            /// </summary>
            public int WindowSize;
            /// <summary>The fewest milliseconds until a packet is sent again; above 0.</summary>
            public int MinimumResendTime;
            /// <summary>
            /// The most milliseconds until a packet is sent again; above the fewest.
            /// </summary>
            public int MaximumResendTime;

            /// <summary>The default values.</summary>
            public static Parameters Default
            {
                get
                {
                    return new Parameters
                    {
                        WindowSize = 32,
                        MinimumResendTime = DefaultMinimumResendTime,
                        MaximumResendTime = DefaultMaximumResendTime,
                    };
                }
            }

            /// <summary>Are the values possible ones?</summary>
            /// <returns>True when a driver takes them.</returns>
            public unsafe bool Validate()
            {
                nd_settings native;
                NativeMethods.nd_settings_init(&native);
                CopyTo(ref native);
                return NativeMethods.nd_settings_validate(&native) == NativeMethods.ND_OK;
            }

            internal void CopyTo(ref nd_settings settings)
            {
                settings.reliable_window_size = (uint)WindowSize;
                settings.reliable_minimum_resend_time_ms = MinimumResendTime;
                settings.reliable_maximum_resend_time_ms = MaximumResendTime;
            }
        }
    }
}
