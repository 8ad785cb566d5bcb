using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>What belongs to the fragmentation stage.</summary>
    public static class FragmentationUtility
    {
        /// <summary>Its parameters.</summary>
        public struct Parameters : INetworkParameter
        {
            /// <summary>Bytes of the longest message; 1 to 24115775.</summary>
            public int PayloadCapacity;

            /// <summary>The default values.</summary>
            public static Parameters Default
            {
                get { return new Parameters { PayloadCapacity = 4096 }; }
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
                settings.fragmentation_payload_capacity = (uint)PayloadCapacity;
            }
        }
    }
}
