#if NETDRIVER_COLLECTIONS
using System;
using NetDriver.Interop;
using NetDriver.TLS;
using Unity.Collections;

namespace NetDriver
{
    // Addresses, names and certificates in texts of com.unity.collections.

    public unsafe partial struct NetworkEndpoint
    {
        /// <summary>Reads an address, as with a string.</summary>
        /// <param name="address">Such as "127.0.0.1" or "::1".</param>
        /// <param name="port">The port.</param>
        /// <param name="family">The kind of address; Invalid tries IPv4, then IPv6.</param>
        /// <returns>The endpoint; one that is not valid when the text is no address.</returns>
        public static NetworkEndpoint Parse(
            FixedString128Bytes address, ushort port,
            NetworkFamily family = NetworkFamily.Invalid)
        {
            return Parse(address.ToString(), port, family);
        }

        /// <summary>Reads an address, as with a string.</summary>
        /// <param name="address">Such as "127.0.0.1" or "::1".</param>
        /// <param name="port">The port.</param>
        /// <param name="endpoint">The endpoint; not valid when the text is no address.</param>
        /// <param name="family">The kind of address; Invalid tries IPv4, then IPv6.</param>
        /// <returns>Was it an address?</returns>
        public static bool TryParse(
            FixedString128Bytes address, ushort port, out NetworkEndpoint endpoint,
            NetworkFamily family = NetworkFamily.Invalid)
        {
            return TryParse(address.ToString(), port, out endpoint, family);
        }

        /// <summary>Such as "1.2.3.4:80" or "[0000:…:0001]:80".</summary>
        /// <returns>The text.</returns>
        /// <exception cref="InvalidOperationException">It is too long: the address is a custom one;
        /// use <see cref="ToFixedString512Bytes"/>.</exception>
        public FixedString128Bytes ToFixedString()
        {
            FixedString512Bytes whole = ToFixedString512Bytes();
            if (whole.Length > FixedString.Max128)
                throw new InvalidOperationException(
                    "The address has more than 125 bytes; use ToFixedString512Bytes.");
            FixedString128Bytes text = default(FixedString128Bytes);
            text.Length = whole.Length;
            Buffer.MemoryCopy(
                whole.GetUnsafePtr(), text.GetUnsafePtr(), FixedString.Max128, whole.Length);
            return text;
        }

        /// <summary>Such as "1.2.3.4:80", "[0000:…:0001]:80", "custom:0x…", "invalid".</summary>
        /// <returns>The text.</returns>
        public FixedString512Bytes ToFixedString512Bytes()
        {
            FixedString512Bytes text = default(FixedString512Bytes);
            nd_endpoint copy = m_Native;
            uint length;
            int result = NativeMethods.nd_endpoint_format(
                &copy, text.GetUnsafePtr(), FixedString.Max512, &length);
            if (result != NativeMethods.ND_OK)
                return "invalid";
            text.Length = (int)length;
            return text;
        }

        /// <summary>The same without the port: "1.2.3.4", "[0000:…:0001]".</summary>
        /// <returns>The text.</returns>
        public FixedString512Bytes ToFixedStringNoPort()
        {
            FixedString512Bytes text = ToFixedString512Bytes();
            if (Family != NetworkFamily.Ipv4 && Family != NetworkFamily.Ipv6)
                return text;
            int end = text.Length - 1;
            while (text.GetUnsafePtr()[end] != ':')
                end--;
            text.Length = end;
            return text;
        }
    }

    public unsafe partial struct NetworkConnection
    {
        /// <summary>As <see cref="ToString"/>, and without a managed string, so that Burst takes
        /// it.</summary>
        /// <returns>The text.</returns>
        public FixedString128Bytes ToFixedString()
        {
            FixedString128Bytes text = "NetworkConnection[id";
            byte* end = text.GetUnsafePtr() + text.Length;
            end = PutNumber(end, m_Id);
            *end++ = (byte)',';
            *end++ = (byte)'v';
            end = PutNumber(end, Version);
            *end++ = (byte)']';
            if (DriverId != 0)
            {
                *end++ = (byte)'@';
                end = PutNumber(end, DriverId);
            }
            text.Length = (int)(end - text.GetUnsafePtr());
            return text;
        }

        private static byte* PutNumber(byte* at, long value)
        {
            if (value < 0)
            {
                *at++ = (byte)'-';
                value = -value;
            }
            long unit = 1;
            while (value / unit >= 10)
                unit *= 10;
            for (; unit > 0; unit /= 10)
                *at++ = (byte)('0' + value / unit % 10);
            return at;
        }
    }

    public unsafe partial struct NetworkDriver
    {
        /// <summary>Connects to a host by name or address, as with a string.</summary>
        /// <param name="address">The host.</param>
        /// <param name="port">Its port.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        public NetworkConnection Connect(FixedString512Bytes address, ushort port)
        {
            return Connect(address.ToString(), port);
        }

        /// <summary>Connects to a host by name or address, as with a string.</summary>
        /// <param name="address">The host.</param>
        /// <param name="port">Its port.</param>
        /// <param name="payload">Bytes for the server with the request.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        public NetworkConnection Connect(
            FixedString512Bytes address, ushort port, NativeArray<byte> payload)
        {
            return Connect(address.ToString(), port, payload);
        }
    }

    public unsafe partial struct MultiNetworkDriver
    {
        /// <summary>Connects to a host by name or address, as with a string.</summary>
        /// <param name="driverId">The driver's number.</param>
        /// <param name="address">The host.</param>
        /// <param name="port">Its port.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        /// <exception cref="ArgumentException">There is no such driver.</exception>
        public NetworkConnection Connect(int driverId, FixedString512Bytes address, ushort port)
        {
            return GetDriver(driverId).Connect(address, port);
        }

        /// <summary>Connects to a host by name or address, as with a string.</summary>
        /// <param name="driverId">The driver's number.</param>
        /// <param name="address">The host.</param>
        /// <param name="port">Its port.</param>
        /// <param name="payload">Bytes for the server with the request.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        /// <exception cref="ArgumentException">There is no such driver.</exception>
        public NetworkConnection Connect(
            int driverId, FixedString512Bytes address, ushort port, NativeArray<byte> payload)
        {
            return GetDriver(driverId).Connect(address, port, payload);
        }
    }

    public partial struct NetworkSettings
    {
        /// <summary>Gives the driver a name, which its settings keep.</summary>
        /// <param name="driverName">The name; not empty.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithLoggingParameters(FixedString32Bytes driverName)
        {
            return WithLoggingParameters(driverName.ToString());
        }

        /// <summary>Sets the WebSocket interface's path.</summary>
        /// <param name="path">It starts with "/"; an empty one is "/".</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithWebSocketParameters(FixedString128Bytes path)
        {
            return WithWebSocketParameters(path.Length == 0 ? "/" : path.ToString());
        }

        /// <summary>Lets servers speak TLS, as with strings.</summary>
        /// <param name="certificate">The server's certificate chain in PEM.</param>
        /// <param name="privateKey">Its key in PEM.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureServerParameters(
            ref FixedString4096Bytes certificate, ref FixedString4096Bytes privateKey)
        {
            return WithSecureServerParameters(certificate.ToString(), privateKey.ToString());
        }

        /// <summary>Lets servers speak TLS and ask for certificates, as with strings.</summary>
        /// <param name="certificate">The server's certificate chain in PEM.</param>
        /// <param name="privateKey">Its key in PEM.</param>
        /// <param name="caCertificate">Who issues the clients' certificates, in PEM.</param>
        /// <param name="clientName">The name that they must be for; empty: any.</param>
        /// <param name="clientAuthenticationPolicy">What is asked of clients.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureServerParameters(
            ref FixedString4096Bytes certificate, ref FixedString4096Bytes privateKey,
            ref FixedString4096Bytes caCertificate, ref FixedString512Bytes clientName,
            SecureClientAuthPolicy clientAuthenticationPolicy = SecureClientAuthPolicy.Required)
        {
            return WithSecureServerParameters(
                certificate.ToString(), privateKey.ToString(), caCertificate.ToString(),
                clientName.ToString(), clientAuthenticationPolicy);
        }

        /// <summary>Lets servers speak TLS and ask for certificates, as with strings.</summary>
        /// <param name="certificate">The server's certificate chain.</param>
        /// <param name="privateKey">Its key.</param>
        /// <param name="caCertificate">Who issues the clients' certificates.</param>
        /// <param name="clientName">The name that they must be for; empty: any.</param>
        /// <param name="clientAuthenticationPolicy">What is asked of clients.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureServerParameters(
            ref FixedPEMString certificate, ref FixedPEMString privateKey,
            ref FixedPEMString caCertificate, ref FixedString512Bytes clientName,
            SecureClientAuthPolicy clientAuthenticationPolicy = SecureClientAuthPolicy.Required)
        {
            return WithSecureServerParameters(
                certificate.ToString(), privateKey.ToString(), caCertificate.ToString(),
                clientName.ToString(), clientAuthenticationPolicy);
        }

        /// <summary>Lets clients speak TLS, as with a string.</summary>
        /// <param name="serverName">The name that the server's certificate must be for; empty: the
        /// host that is connected to.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureClientParameters(ref FixedString512Bytes serverName)
        {
            return WithSecureClientParameters(serverName.ToString());
        }

        /// <summary>Lets clients speak TLS, trusting one authority, as with strings.</summary>
        /// <param name="caCertificate">Whom to trust, in PEM.</param>
        /// <param name="serverName">As above.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureClientParameters(
            ref FixedString4096Bytes caCertificate, ref FixedString512Bytes serverName)
        {
            return WithSecureClientParameters(caCertificate.ToString(), serverName.ToString());
        }

        /// <summary>Lets clients speak TLS, trusting one authority, as with strings.</summary>
        /// <param name="caCertificate">Whom to trust.</param>
        /// <param name="serverName">As above.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureClientParameters(
            ref FixedPEMString caCertificate, ref FixedString512Bytes serverName)
        {
            return WithSecureClientParameters(caCertificate.ToString(), serverName.ToString());
        }

        /// <summary>Lets clients speak TLS with a certificate of their own, as with strings.
        /// </summary>
        /// <param name="certificate">The client's certificate chain in PEM.</param>
        /// <param name="privateKey">Its key in PEM.</param>
        /// <param name="caCertificate">Whom to trust, in PEM.</param>
        /// <param name="serverName">As above.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureClientParameters(
            ref FixedString4096Bytes certificate, ref FixedString4096Bytes privateKey,
            ref FixedString4096Bytes caCertificate, ref FixedString512Bytes serverName)
        {
            return WithSecureClientParameters(
                certificate.ToString(), privateKey.ToString(), caCertificate.ToString(),
                serverName.ToString());
        }

        /// <summary>Lets clients speak TLS with a certificate of their own, as with strings.
        /// </summary>
        /// <param name="certificate">The client's certificate chain.</param>
        /// <param name="privateKey">Its key.</param>
        /// <param name="caCertificate">Whom to trust.</param>
        /// <param name="serverName">As above.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSecureClientParameters(
            ref FixedPEMString certificate, ref FixedPEMString privateKey,
            ref FixedPEMString caCertificate, ref FixedString512Bytes serverName)
        {
            return WithSecureClientParameters(
                certificate.ToString(), privateKey.ToString(), caCertificate.ToString(),
                serverName.ToString());
        }
    }
}
#endif
