using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>Limits of a connection, its write mode, and streams handed over.</summary>
    [Tests]
    internal static class LimitTests
    {
        private static void Text(Pair pair, NetworkDriver driver, NetworkConnection from,
            string wanted, bool isText)
        {
            DataStreamReader reader;
            pair.Expect(driver, NetworkEvent.Type.Data, from, out reader);
            Check.Equal(isText, driver.LastEvent.IsText, "kind of " + wanted);
            Check.Equal(wanted, reader.ReadRemainingText(), "message");
        }

        public static void AConnectionHasLimitsOfItsOwn()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                ConnectionLimits limits;
                Check.Equal(0, pair.Server.GetConnectionLimits(pair.ServerSide, out limits), "get");
                Check.Equal(4u << 20, limits.InboundBytesMax, "the driver's");
                Check.Equal(uint.MaxValue, limits.WebSocketSendQueueCapacity, "no such limit");
                limits = new ConnectionLimits
                {
                    WebSocketSendQueueCapacity = 2,
                    WebSocketMessageSizeMax = 10,
                };
                Check.Equal(0, pair.Server.SetConnectionLimits(pair.ServerSide, limits), "set");
                byte[] data = new byte[10];
                Check.Equal(0, pair.Server.Send(pair.ServerSide, data), "first");
                Check.Equal(0, pair.Server.Send(pair.ServerSide, data), "second");
                Check.Status(StatusCode.NetworkSendQueueFull,
                    pair.Server.Send(pair.ServerSide, data), "third");
                Check.Status(StatusCode.NetworkPacketOverflow,
                    pair.Server.Send(pair.ServerSide, new byte[11]), "too long");
                limits.OutboundBytesMax = 1;
                Check.Status(StatusCode.InvalidArgument,
                    pair.Server.SetConnectionLimits(pair.ServerSide, limits), "out of bounds");
                Check.Status(StatusCode.NetworkIdMismatch, pair.Server.GetConnectionLimits(
                    default(NetworkConnection), out limits), "no connection");
            }
        }

        public static void LimitsAreGivenToAnInterfaceAndToAConnectAttempt()
        {
            ConnectionLimits limits = new ConnectionLimits { WebSocketMessageSizeMax = 100 };
            NetworkDriver server = Pair.Listener(new WebSocketNetworkInterface
            {
                Dialect = WebSocketDialect.Plain,
                Limits = limits,
            });
            using (server)
            using (NetworkDriver client = NetworkDriver.Create(new WebSocketNetworkInterface()))
            {
                limits.WebSocketMessageSizeMax = 50;
                NetworkConnection to = client.Connect(Pair.Url(server),
                    new ConnectOptions { Limits = limits });
                Pair pair = new Pair { Server = server, Client = client, ClientSide = to };
                pair.Establish();
                Check.Equal(100, server.GetMaxSupportedPayloadSize(
                    pair.ServerSide, NetworkPipeline.Null), "interface");
                Check.Equal(50, client.GetMaxSupportedPayloadSize(
                    to, NetworkPipeline.Null), "attempt");
            }
        }

        public static void AQueueOfMessagesIsASetting()
        {
            NetDriverParameter parameter = NetDriverParameter.Default;
            parameter.webSocketSendQueueCapacity = 1;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(parameter);
            using (Pair pair = Pair.Open(Road.WebSocketPlain, settings))
            {
                Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[1]), "first");
                Check.Status(StatusCode.NetworkSendQueueFull,
                    pair.Client.Send(pair.ClientSide, new byte[1]), "second");
            }
        }

        public static void AConnectionHasAWriteMode()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                byte[] data = Encoding.UTF8.GetBytes("text");
                Check.Equal(
                    WriteMode.Binary, pair.Client.GetWriteMode(pair.ClientSide), "at first");
                Check.Equal(0, pair.Client.SetWriteMode(pair.ClientSide, WriteMode.Text), "set");
                Check.Equal(WriteMode.Text, pair.Client.GetWriteMode(pair.ClientSide), "then");
                Check.Equal(0, pair.Client.Send(pair.ClientSide, data), "text");
                Check.Equal(0, pair.Client.SendBinary(pair.ClientSide, data), "binary");
                Text(pair, pair.Server, pair.ServerSide, "text", true);
                Text(pair, pair.Server, pair.ServerSide, "text", false);
                Check.Status(StatusCode.InvalidArgument,
                    pair.Client.Send(pair.ClientSide, new byte[] { 255 }), "no text");
                Check.Status(StatusCode.InvalidArgument,
                    pair.Client.SetWriteMode(pair.ClientSide, (WriteMode)7), "no mode");
            }
            using (Pair pair = Pair.Open(Road.Udp))
                Check.Status(StatusCode.InvalidArgument,
                    pair.Client.SetWriteMode(pair.ClientSide, WriteMode.Text), "UTP has no text");
        }

        public static void AStreamOfTheProgramIsHandedOver()
        {
            TcpListener listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            int port = ((IPEndPoint)listener.LocalEndpoint).Port;
            using (NetworkDriver server = NetworkDriver.Create(new WebSocketNetworkInterface()))
            using (NetworkDriver client = NetworkDriver.Create(new WebSocketNetworkInterface()))
            {
                NetworkConnection to = client.Connect("ws://127.0.0.1:" + port + "/room");
                Pair pair = new Pair { Server = server, Client = client, ClientSide = to };
                pair.Until(() => listener.Pending(), "a client");
                Socket accepted = listener.AcceptSocket();
                pair.For(20);
                byte[] start = new byte[5];
                Check.Equal(5, accepted.Receive(start), "the first bytes");
                Check.Equal(0, server.AcceptStream(0, accepted.Handle, start), "handed over");
                pair.Establish();
                Check.Equal("/room",
                    server.GetConnectionText(pair.ServerSide, ConnectionText.Path), "path");
                GC.KeepAlive(accepted);
                Check.That(server.AcceptStream(1, accepted.Handle) < 0, "no such interface");
                Check.Status(StatusCode.InvalidArgument,
                    server.AcceptStream(0, new IntPtr(-1)), "no socket");
            }
            listener.Stop();
        }

        public static void TheLimitOfOpenFilesIsRaisedAndNeverLowered()
        {
            long all = NetDriverLibrary.RaiseDescriptorLimit();
            Check.That(all > 0, "a limit");
            Check.That(NetDriverLibrary.RaiseDescriptorLimit(1) == all, "the same limit");
            if (all == long.MaxValue)
                return;
            Check.Status(StatusCode.LimitReached,
                (int)NetDriverLibrary.RaiseDescriptorLimit(long.MaxValue), "too much");
            Check.That(NetDriverLibrary.LastError.Contains("ulimit -Hn"), "what to do");
        }

        public static void SecretsAreWrittenToAFile()
        {
            string path = Path.GetTempFileName();
            try
            {
                using (NetworkDriver driver = NetworkDriver.Create(new WebSocketNetworkInterface()))
                {
                    TlsClientOptions options = new TlsClientOptions { KeyLogFile = path };
                    Check.Equal(0, driver.SetTlsClient(0, options), "a file that can be written");
                    options.KeyLogFile = "/nowhere/at/all";
                    Check.Status(StatusCode.InvalidArgument, driver.SetTlsClient(0, options),
                        "one that cannot");
                }
            }
            finally
            {
                File.Delete(path);
            }
        }
    }
}
