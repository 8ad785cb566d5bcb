using System;
using System.Runtime.InteropServices;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>An address and a port: 64 bytes, a value.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe partial struct NetworkEndpoint : IEquatable<NetworkEndpoint>
    {
        private const int AddressSize = 60;
        private const int TextSize = 160;

        internal nd_endpoint m_Native;

        internal NetworkEndpoint(nd_endpoint native)
        {
            m_Native = native;
        }

        /// <summary>Every IPv4 address of this machine, port 0.</summary>
        public static NetworkEndpoint AnyIpv4
        {
            get { return Make(NetworkFamily.Ipv4, 0, 0); }
        }

        /// <summary>Every IPv6 address of this machine, port 0.</summary>
        public static NetworkEndpoint AnyIpv6
        {
            get { return Make(NetworkFamily.Ipv6, 0, 0); }
        }

        /// <summary>127.0.0.1, port 0.</summary>
        public static NetworkEndpoint LoopbackIpv4
        {
            get { return Make(NetworkFamily.Ipv4, 127, 1); }
        }

        /// <summary>::1, port 0.</summary>
        public static NetworkEndpoint LoopbackIpv6
        {
            get { return Make(NetworkFamily.Ipv6, 0, 1); }
        }

        /// <summary>The kind of address. Setting it leaves the bytes as they are.</summary>
        public NetworkFamily Family
        {
            get { return (NetworkFamily)m_Native.family; }
            set { m_Native.family = (byte)value; }
        }

        /// <summary>The port, as people write it.</summary>
        public ushort Port
        {
            get { return m_Native.port; }
            set { m_Native.port = value; }
        }

        /// <summary>The port in the order of the network: on machines that are little endian its
        /// bytes are the other way round.</summary>
        [Obsolete("Use Port, and System.Net.IPAddress.HostToNetworkOrder where the order of the "
            + "network is needed.")]
        public ushort RawPort
        {
            get { return Swap(m_Native.port); }
            set { m_Native.port = Swap(value); }
        }

        /// <summary>Is there an address at all?</summary>
        public bool IsValid
        {
            get { return m_Native.family != (byte)NetworkFamily.Invalid; }
        }

        /// <summary>Bytes of the address: 4, 16, 60 or 0.</summary>
        public int Length
        {
            get
            {
                switch (Family)
                {
                    case NetworkFamily.Ipv4:
                        return 4;
                    case NetworkFamily.Ipv6:
                        return 16;
                    case NetworkFamily.Custom:
                        return AddressSize;
                    default:
                        return 0;
                }
            }
        }

        /// <summary>Is it the address that stands for all of this machine's?</summary>
        public bool IsAny
        {
            get { return this == AnyIpv4.WithPort(Port) || this == AnyIpv6.WithPort(Port); }
        }

        /// <summary>Is it 127.0.0.1 or ::1?</summary>
        public bool IsLoopback
        {
            get
            {
                return this == LoopbackIpv4.WithPort(Port)
                    || this == LoopbackIpv6.WithPort(Port);
            }
        }

        /// <summary>Address and port as text, as <see cref="ToString"/>.</summary>
        public string Address
        {
            get { return ToString(); }
        }

        /// <summary>The same address with another port.</summary>
        /// <param name="port">The port; 0 lets the system choose one at Bind.</param>
        /// <returns>The endpoint.</returns>
        public NetworkEndpoint WithPort(ushort port)
        {
            NetworkEndpoint copy = this;
            copy.Port = port;
            return copy;
        }

#if UNITY_5_3_OR_NEWER
        private byte[] RawAddressBytes()
#else
        /// <summary>The address's bytes in network order.</summary>
        /// <returns>4, 16, 60 or 0 bytes.</returns>
        public byte[] GetRawAddressBytes()
#endif
        {
            byte[] bytes = new byte[Length];
            fixed (byte* address = m_Native.address)
            {
                for (int i = 0; i < bytes.Length; i++)
                    bytes[i] = address[i];
            }
            return bytes;
        }

        /// <summary>Sets the kind and the bytes of the address; the port stays.</summary>
        /// <param name="bytes">The bytes in network order: 4, 16, or up to 60 for Custom.</param>
        /// <param name="family">The kind of address.</param>
        /// <exception cref="ArgumentException">The number of bytes does not fit the
        /// kind.</exception>
        public void SetRawAddressBytes(byte[] bytes, NetworkFamily family = NetworkFamily.Ipv4)
        {
            if (bytes == null)
                throw new ArgumentNullException("bytes");
            NetworkEndpoint made = default(NetworkEndpoint);
            made.m_Native.family = (byte)family;
            bool fits = family == NetworkFamily.Custom ? bytes.Length <= AddressSize
                : bytes.Length == made.Length;
            if (!fits)
                throw new ArgumentException(
                    "The number of bytes does not fit the family.", "bytes");
            made.m_Native.port = m_Native.port;
            for (int i = 0; i < bytes.Length; i++)
                made.m_Native.address[i] = bytes[i];
            this = made;
        }

        /// <summary>Reads an address; names are not looked up.</summary>
        /// <param name="address">Such as "127.0.0.1" or "::1".</param>
        /// <param name="port">The port.</param>
        /// <param name="family">The kind of address; Invalid tries IPv4, then IPv6.</param>
        /// <returns>The endpoint; one that is not valid when the text is no address.</returns>
        /// <exception cref="NetDriverException">The library cannot be loaded.</exception>
        public static NetworkEndpoint Parse(
            string address, ushort port, NetworkFamily family = NetworkFamily.Invalid)
        {
            NetworkEndpoint endpoint;
            TryParse(address, port, out endpoint, family);
            return endpoint;
        }

        /// <summary>Reads an address; names are not looked up.</summary>
        /// <param name="address">Such as "127.0.0.1" or "::1".</param>
        /// <param name="port">The port.</param>
        /// <param name="endpoint">The endpoint; not valid when the text is no address.</param>
        /// <param name="family">The kind of address; Invalid tries IPv4, then IPv6.</param>
        /// <returns>Was it an address?</returns>
        /// <exception cref="NetDriverException">The library cannot be loaded.</exception>
        public static bool TryParse(
            string address, ushort port, out NetworkEndpoint endpoint,
            NetworkFamily family = NetworkFamily.Invalid)
        {
            endpoint = default(NetworkEndpoint);
            if (string.IsNullOrWhiteSpace(address) || address.IndexOf('\0') >= 0)
                return false;
            Library.Require();
            fixed (byte* text = Utf8.NulEnded(address, "address"))
            {
                nd_endpoint native;
                int result = NativeMethods.nd_endpoint_parse(text, port, (uint)family, &native);
                if (result != NativeMethods.ND_OK)
                    return false;
                endpoint.m_Native = native;
                return true;
            }
        }

        /// <summary>Are all 64 bytes equal?</summary>
        public static bool operator ==(NetworkEndpoint left, NetworkEndpoint right)
        {
            byte* a = (byte*)&left;
            byte* b = (byte*)&right;
            for (int i = 0; i < sizeof(NetworkEndpoint); i++)
            {
                if (a[i] != b[i])
                    return false;
            }
            return true;
        }

        /// <summary>Does any of the 64 bytes differ?</summary>
        public static bool operator !=(NetworkEndpoint left, NetworkEndpoint right)
        {
            return !(left == right);
        }

        /// <inheritdoc/>
        public bool Equals(NetworkEndpoint other)
        {
            return this == other;
        }

        /// <inheritdoc/>
        public override bool Equals(object other)
        {
            return other is NetworkEndpoint && this == (NetworkEndpoint)other;
        }

        /// <inheritdoc/>
        public override int GetHashCode()
        {
            uint hash = 2166136261;
            fixed (byte* address = m_Native.address)
            {
                for (int i = 0; i < sizeof(nd_endpoint); i++)
                    hash = (hash ^ address[i]) * 16777619;
            }
            return (int)hash;
        }

        /// <summary>Such as "1.2.3.4:80", "[0000:…:0001]:80", "custom:0x…", "invalid".</summary>
        public override string ToString()
        {
            Library.Require();
            byte* text = stackalloc byte[TextSize];
            uint length;
            nd_endpoint copy = m_Native;
            int result = NativeMethods.nd_endpoint_format(&copy, text, TextSize, &length);
            return result == NativeMethods.ND_OK ? Utf8.Read(text, (int)length) : "invalid";
        }

        private static ushort Swap(ushort value)
        {
            return BitConverter.IsLittleEndian ? ByteOrder.Swap(value) : value;
        }

        private static NetworkEndpoint Make(NetworkFamily family, byte first, byte last)
        {
            NetworkEndpoint endpoint = default(NetworkEndpoint);
            endpoint.m_Native.family = (byte)family;
            endpoint.m_Native.address[0] = first;
            endpoint.m_Native.address[endpoint.Length - 1] = last;
            return endpoint;
        }
    }
}
