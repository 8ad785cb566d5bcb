#if UNITY_5_3_OR_NEWER
using Unity.Collections;

namespace NetDriver
{
    // Bytes of addresses in Unity's arrays.
    public unsafe partial struct NetworkEndpoint
    {
        /// <summary>The address's bytes in network order, in temporary memory.</summary>
        /// <returns>4, 16, 60 or 0 bytes.</returns>
        public NativeArray<byte> GetRawAddressBytes()
        {
            return new NativeArray<byte>(RawAddressBytes(), Allocator.Temp);
        }

        /// <summary>Sets the kind and the bytes of the address; the port stays.</summary>
        /// <param name="bytes">The bytes in network order: 4, 16, or up to 60 for Custom.</param>
        /// <param name="family">The kind of address.</param>
        /// <exception cref="System.ArgumentException">The number of bytes does not fit the
        /// kind.</exception>
        public void SetRawAddressBytes(
            NativeArray<byte> bytes, NetworkFamily family = NetworkFamily.Ipv4)
        {
            SetRawAddressBytes(bytes.ToArray(), family);
        }
    }
}
#endif
