using System;
using System.Runtime.InteropServices;
using NetDriver.Error;
using NetDriver.Interop;

namespace NetDriver.Tests
{
    [Tests]
    internal static unsafe class ValueTests
    {
        public static void TheLibraryIsTheOneThisAssemblyNeeds()
        {
            Check.Equal(NetDriverLibrary.ExpectedAbiVersion, NetDriverLibrary.AbiVersion, "ABI");
            Check.That(NetDriverLibrary.Version.Split('.').Length == 3, "version: "
                + NetDriverLibrary.Version);
        }

        public static void StatusNamesAreTheLibrarys()
        {
            foreach (StatusCode code in Enum.GetValues(typeof(StatusCode)))
            {
                string name = NetDriverLibrary.StatusName((int)code);
                Check.That(name != "Unknown", "the library knows " + code);
                if ((int)code <= -100 || ((int)code <= 0 && (int)code >= -5))
                    Check.Equal(name == "Ok" ? "Success" : name, code.ToString(), "name of "
                        + (int)code);
            }
            Check.Equal("Unknown", NetDriverLibrary.StatusName(-9999), "no status");
        }

        public static void ReasonNamesAreTheLibrarys()
        {
            foreach (DisconnectReason reason in Enum.GetValues(typeof(DisconnectReason)))
                Check.Equal(reason.ToString(), NetDriverLibrary.DisconnectReasonName((int)reason),
                    "name");
        }

        public static void DefaultsAreTheLibrarys()
        {
            nd_settings wanted;
            Check.Equal(0, NativeMethods.nd_settings_init(&wanted), "init");
            nd_settings made = default(NetworkSettings).ToNative();
            byte* a = (byte*)&wanted;
            byte* b = (byte*)&made;
            for (int i = 0; i < sizeof(nd_settings); i++)
                Check.Equal(a[i], b[i], "byte " + i + " of nd_settings");
            nd_settings overwritten =
                new NetworkSettings().WithNetworkConfigParameters().ToNative();
            Check.Equal(wanted.connect_timeout_ms, overwritten.connect_timeout_ms,
                "arguments' defaults");
            Check.Equal(wanted.max_message_size, overwritten.max_message_size,
                "arguments' defaults");
            Check.Equal(wanted.send_queue_capacity, overwritten.send_queue_capacity,
                "arguments' defaults");
        }

        public static void ConnectionsAreEightByteValues()
        {
            Check.Equal(8, sizeof(NetworkConnection), "size");
            NetworkConnection none = default(NetworkConnection);
            Check.That(!none.IsCreated, "the default is none");
            ulong value = 0x0000000300000005;
            NetworkConnection connection = NetworkConnection.FromValue(value);
            Check.Equal(value, *(ulong*)&connection, "layout of nd_connection");
            Check.Equal(value, connection.Value, "value");
            Check.Equal("NetworkConnection[id5,v3]", connection.ToString(), "text");
            Check.That(connection.IsCreated && connection != none && connection
                == NetworkConnection.FromValue(value), "equality");
            Check.Equal(connection.GetHashCode(), NetworkConnection.FromValue(value).GetHashCode(),
                "hash");
            Check.Equal(5, connection.InternalId, "id");
        }

        public static void EventKindsAreUnityTransports()
        {
            Check.Equal(0, (int)NetworkEvent.Type.Empty, "Empty");
            Check.Equal(1, (int)NetworkEvent.Type.Data, "Data");
            Check.Equal(2, (int)NetworkEvent.Type.Connect, "Connect");
            Check.Equal(3, (int)NetworkEvent.Type.Disconnect, "Disconnect");
            Check.Equal(NativeMethods.ND_EVENT_WRITABLE, (int)NetworkEvent.Type.Writable,
                "Writable");
            Check.Equal(NativeMethods.ND_EVENT_PONG, (int)NetworkEvent.Type.Pong, "Pong");
            Check.Equal(NativeMethods.ND_EVENT_CLOSE_REQUEST, (int)NetworkEvent.Type.CloseRequest,
                "CloseRequest");
            Check.Equal(NativeMethods.ND_DISCONNECT_MESSAGE_TOO_BIG,
                (int)NetDriver.Error.DisconnectReason.MessageTooBig, "MessageTooBig");
        }

        public static void EndpointsAreParsedAndWritten()
        {
            NetworkEndpoint four = NetworkEndpoint.Parse("1.2.3.4", 80);
            Check.Equal("1.2.3.4:80", four.ToString(), "IPv4");
            Check.Equal("1.2.3.4:80", four.Address, "IPv4");
            Check.Equal(NetworkFamily.Ipv4, four.Family, "IPv4");
            Check.Bytes(new byte[] { 1, 2, 3, 4 }, four.GetRawAddressBytes(), "IPv4");
            NetworkEndpoint six = NetworkEndpoint.Parse("::1", 9);
            Check.Equal("[0000:0000:0000:0000:0000:0000:0000:0001]:9", six.ToString(), "IPv6");
            Check.Equal(NetworkEndpoint.LoopbackIpv6.WithPort(9), six, "IPv6 loopback");
            Check.Equal(NetworkEndpoint.LoopbackIpv4.WithPort(7),
                NetworkEndpoint.Parse("127.0.0.1", 7), "loopback");
            Check.Equal(NetworkEndpoint.AnyIpv4, NetworkEndpoint.Parse("0.0.0.0", 0), "any");
            Check.Equal(NetworkEndpoint.AnyIpv6.WithPort(3), NetworkEndpoint.Parse("::", 3), "any");
            Check.That(NetworkEndpoint.AnyIpv4.WithPort(5).IsAny
                && !NetworkEndpoint.AnyIpv4.IsLoopback, "any");
            Check.That(NetworkEndpoint.LoopbackIpv6.IsLoopback && !four.IsLoopback, "loopback");
            Check.Equal(64, sizeof(NetworkEndpoint), "size");
        }

        public static void WhatIsNoAddressIsNotParsed()
        {
            NetworkEndpoint endpoint;
            foreach (string text in new[] { null, "", "  ", "localhost", "1.2.3", "256.1.1.1",
                "1.2.3.4\0", ":::", "1.2.3.4:80" })
            {
                Check.That(!NetworkEndpoint.TryParse(text, 1, out endpoint), "not parsed: " + text);
                Check.That(!endpoint.IsValid && endpoint == default(NetworkEndpoint), "not valid");
            }
            Check.That(!NetworkEndpoint.TryParse("1.2.3.4", 1, out endpoint, NetworkFamily.Ipv6),
                "not IPv6");
            Check.That(!NetworkEndpoint.TryParse("::1", 1, out endpoint, NetworkFamily.Ipv4),
                "not IPv4");
            Check.Equal("invalid", default(NetworkEndpoint).ToString(), "text of none");
            Check.Equal(0, default(NetworkEndpoint).Length, "length of none");
        }

        public static void EndpointsTakeRawBytes()
        {
            NetworkEndpoint endpoint = NetworkEndpoint.AnyIpv4.WithPort(12);
            endpoint.SetRawAddressBytes(new byte[] { 10, 0, 0, 1 });
            Check.Equal("10.0.0.1:12", endpoint.ToString(), "IPv4");
            Check.Equal(NetworkEndpoint.Parse("10.0.0.1", 12).GetHashCode(),
                endpoint.GetHashCode(), "hash");
            byte[] six = new byte[16];
            six[0] = 0xfe;
            six[1] = 0x80;
            endpoint.SetRawAddressBytes(six, NetworkFamily.Ipv6);
            Check.Equal(NetworkEndpoint.Parse("fe80::", 12), endpoint, "IPv6");
            endpoint.SetRawAddressBytes(new byte[] { 1 }, NetworkFamily.Custom);
            Check.That(endpoint.ToString().StartsWith("custom:0x01", StringComparison.Ordinal),
                "custom");
            Check.Throws<ArgumentException>(
                () => NetworkEndpoint.AnyIpv4.SetRawAddressBytes(new byte[5]),
                    "5 bytes are no IPv4");
        }

        // Which of both ways a processor goes, nobody sees.
        public static unsafe void NumbersAreTheSameBytesInOneStepAndByteByByte()
        {
            ulong number = 0xF1E2D3C4B5A69788;
            byte* wide = stackalloc byte[9];
            byte* bytes = stackalloc byte[9];
            foreach (int odd in new[] { 0, 1 })
            {
                ByteOrder.Store(wide + odd, (ushort)number);
                ByteOrder.StoreBytes(bytes + odd, (ushort)number, 2);
                Check.Equal(ByteOrder.LoadBytes(wide + odd, 2), ByteOrder.Load16(bytes + odd), "2");
                Check.Equal((byte)0x88, wide[odd], "the lowest byte comes first");
                ByteOrder.Store(wide + odd, (uint)number);
                ByteOrder.StoreBytes(bytes + odd, (uint)number, 4);
                Check.Equal(ByteOrder.LoadBytes(wide + odd, 4), ByteOrder.Load32(bytes + odd), "4");
                ByteOrder.Store(wide + odd, number);
                ByteOrder.StoreBytes(bytes + odd, number, 8);
                Check.Equal(ByteOrder.LoadBytes(wide + odd, 8), ByteOrder.Load64(bytes + odd), "8");
                Check.Equal(number, ByteOrder.Load64(wide + odd), "and back");
                Check.Equal((byte)0xF1, bytes[odd + 7], "the highest byte comes last");
            }
        }
    }
}
