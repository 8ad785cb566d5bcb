using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Text;
using NetDriver.Analytics;
using NetDriver.Error;

namespace NetDriver.Tests
{
    [Tests]
    internal static class WebSocketTests
    {
        public static void TextGoesBothWays()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                Check.Equal(0, pair.Client.SendText(pair.ClientSide, "grüße 🎮"), "send");
                DataStreamReader reader;
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                Check.That(pair.Server.LastEvent.IsText, "text");
                Check.Equal("grüße 🎮", reader.ReadRemainingText(), "text");
                DataStreamWriter writer;
                Check.Equal(0, pair.Server.BeginSend(pair.ServerSide, out writer), "begin");
                writer.WriteBytes(Encoding.UTF8.GetBytes("in place"));
                Check.Equal(8, pair.Server.EndSendText(writer), "end");
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                Check.That(pair.Client.LastEvent.IsText, "text");
                Check.Equal("in place", reader.ReadRemainingText(), "text");
                Check.Equal(0, pair.Server.SendText(pair.ServerSide, string.Empty), "empty");
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                Check.That(pair.Client.LastEvent.IsText && reader.Length == 0, "empty text");
                Check.Equal(0, pair.Server.BeginSend(pair.ServerSide, out writer), "begin");
                writer.WriteByte(0xff);
                Check.Status(StatusCode.InvalidArgument, pair.Server.EndSendText(writer),
                    "not UTF-8");
                Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Server.EndSend(writer),
                    "it is over");
                Check.Equal(1, pair.Server.SendToMany(new[] { pair.ServerSide }, 1,
                    Encoding.UTF8.GetBytes("many"), 4, NetworkPipeline.Null, true, null),
                        "to many");
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                Check.That(pair.Client.LastEvent.IsText, "text to many");
            }
        }

        public static void CloseCodeAndReasonArriveFromTheClient()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                Check.Equal(0, pair.ClientSide.Close(pair.Client, 4001, "bye ü"), "close");
                DataStreamReader reader;
                pair.Expect(pair.Server, NetworkEvent.Type.Disconnect, pair.ServerSide, out reader);
                Closed(pair.Server.LastEvent, reader, 4001, "bye ü");
                pair.For(30);
                Pair.Silent(pair.Client);
            }
        }

        public static void CloseCodeAndReasonArriveFromTheServer()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                Check.Equal(0, pair.Server.Close(pair.ServerSide, 3000), "close");
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
                Closed(pair.Client.LastEvent, reader, 3000, string.Empty);
            }
        }

        public static void ADisconnectClosesWith1000()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                pair.Server.Disconnect(pair.ServerSide);
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
                Closed(pair.Client.LastEvent, reader, 1000, string.Empty);
            }
        }

        private static void Closed(NetworkEventDetails details, DataStreamReader reader, int code,
            string text)
        {
            Check.Equal(1, reader.Length, "one byte");
            Check.Equal((byte)DisconnectReason.ClosedByRemote, reader.ReadByte(), "reason");
            Check.Equal(code, details.CloseCode, "code");
            Check.Equal(text, details.Text, "text");
            Check.That(details.IsClean, "clean");
        }

        public static void AServerThatGoesAwayIsALostConnection()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                pair.Server.Dispose();
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
                Check.Equal((byte)DisconnectReason.ConnectionLost, reader.ReadByte(), "reason");
                Check.Equal(1006, pair.Client.LastEvent.CloseCode, "code");
                Check.That(!pair.Client.LastEvent.IsClean, "not clean");
            }
        }

        public static void CompressionIsAgreedOnWhenItIsSwitchedOn()
        {
            NetDriverParameter parameter = NetDriverParameter.Default;
            parameter.deflate = true;
            parameter.deflateWindowBits = 12;
            parameter.deflatePeerWindowBits = 11;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(parameter);
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(
                    new WebSocketNetworkInterface { Dialect = WebSocketDialect.Plain }, settings);
                pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface(), settings);
                pair.ClientSide = pair.Client.Connect(Pair.Url(pair.Server, "/"));
                pair.Establish();
                string agreed = pair.Server.GetConnectionText(pair.ServerSide,
                    ConnectionText.Extensions);
                Check.Equal("permessage-deflate; server_no_context_takeover; "
                    + "client_no_context_takeover; server_max_window_bits=11; "
                    + "client_max_window_bits=11", agreed, "agreed");
                Check.Equal(agreed, pair.Client.GetConnectionText(pair.ClientSide,
                    ConnectionText.Extensions), "the client knows it too");
            }
        }

        public static void SubProtocolPathQueryAndHeadersAreReadable()
        {
            INetworkInterface networkInterface = new WebSocketNetworkInterface
            {
                Dialect = WebSocketDialect.Plain,
                SubProtocols = new[] { "chess", "checkers" },
            };
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(networkInterface);
                pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface());
                ConnectOptions options = new ConnectOptions
                {
                    SubProtocols = new[] { "go", "checkers", "chess" },
                    Headers = new Dictionary<string, string> { { "X-Token", "a b" }, { "X-Empty",
                        "" } },
                };
                pair.ClientSide = pair.Client.Connect(Pair.Url(pair.Server, "/room/7?name=x&y"),
                    options);
                pair.Establish();
                NetworkDriver server = pair.Server;
                NetworkConnection side = pair.ServerSide;
                Check.Equal("/room/7", server.GetConnectionText(side, ConnectionText.Path), "path");
                Check.Equal("name=x&y", server.GetConnectionText(side, ConnectionText.Query),
                    "query");
                string agreed = server.GetConnectionText(side, ConnectionText.SubProtocol);
                Check.That(agreed == "chess" || agreed == "checkers", "sub-protocol: " + agreed);
                Check.Equal(agreed,
                    pair.Client.GetConnectionText(pair.ClientSide, ConnectionText.SubProtocol),
                        "agreed");
                Check.Equal("a b", server.GetConnectionHeader(side, "x-token"), "header");
                Check.Equal(string.Empty, server.GetConnectionHeader(side, "X-Empty"),
                    "empty header");
                Check.Equal(null, server.GetConnectionHeader(side, "X-None"), "no header");
                Check.That(server.GetConnectionText(side,
                    ConnectionText.Headers).Contains("X-Token: a b\n"), "all headers");
                Check.Equal("websocket",
                    pair.Client.GetConnectionHeader(pair.ClientSide, "Upgrade").ToLowerInvariant(),
                        "the answer's");
            }
        }

        public static void AStrictClientInsistsOnItsSubProtocols()
        {
            NetDriverParameter parameter = NetDriverParameter.Default;
            Check.Equal(SubProtocolRule.Lenient, parameter.subProtocolRule, "default");
            parameter.subProtocolRule = SubProtocolRule.Strict;
            NetworkSettings strict = new NetworkSettings().WithNetDriverParameters(parameter);
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(Pair.Interface(Road.WebSocketPlain));
                pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface(), strict);
                ConnectOptions options = new ConnectOptions { SubProtocols = new[] { "go" } };
                pair.ClientSide = pair.Client.Connect(Pair.Url(pair.Server), options);
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
                NetworkEventDetails details = pair.Client.LastEvent;
                Check.Equal(DisconnectReason.HandshakeRejected, details.Reason, "reason");
                Check.Equal(101, details.CloseCode, "HTTP status");
            }
        }

        public static void AConnectionThatIsNotMadeEndsAtItsDeadline()
        {
            TcpListener silent = new TcpListener(System.Net.IPAddress.Loopback, 0);
            silent.Start();
            try
            {
                using (Pair pair = new Pair())
                {
                    pair.Server = NetworkDriver.Create(new WebSocketNetworkInterface());
                    pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface());
                    int port = ((System.Net.IPEndPoint)silent.LocalEndpoint).Port;
                    ConnectOptions options = new ConnectOptions { ConnectDeadlineMS = 50 };
                    pair.ClientSide = pair.Client.Connect("ws://127.0.0.1:" + port, options);
                    DataStreamReader reader;
                    pair.Expect(
                        pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
                    Check.Equal(DisconnectReason.MaxConnectionAttempts,
                        pair.Client.LastEvent.Reason, "reason");
                    options.ConnectDeadlineMS = -1;
                    Check.That(!pair.Client.Connect("ws://127.0.0.1:1", options).IsCreated, "-1");
                }
            }
            finally
            {
                silent.Stop();
            }
        }

        public static void OnePortServesBothDialectsAndAPage()
        {
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(new WebSocketNetworkInterface());
                pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface());
                byte[] page = Encoding.UTF8.GetBytes("<p>hello");
                Check.Equal(0, pair.Server.SetDocument(0, "/", "text/html; charset=utf-8", page),
                    "set");
                NetworkConnection utp = pair.Client.Connect(pair.Server.GetLocalEndpoint());
                NetworkConnection plain = pair.Client.Connect(Pair.Url(pair.Server));
                List<WebSocketDialect> dialects = new List<WebSocketDialect>();
                pair.Until(() =>
                {
                    NetworkConnection connection;
                    while ((connection = pair.Server.Accept()) != default(NetworkConnection))
                    {
                        ConnectionInfo info;
                        pair.Server.GetConnectionInfo(connection, out info);
                        dialects.Add(info.Dialect);
                    }
                    return dialects.Count == 2;
                }, "both clients");
                Check.That(dialects.Contains(WebSocketDialect.Utp)
                    && dialects.Contains(WebSocketDialect.Plain), "one of each");
                Check.Equal(NetworkConnection.State.Connected, utp.GetState(pair.Client), "UTP");
                Check.Equal(NetworkConnection.State.Connected, plain.GetState(pair.Client),
                    "plain");
                string answer = Get(pair, "/");
                Check.That(answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal), answer);
                Check.That(answer.EndsWith("\r\n\r\n<p>hello", StringComparison.Ordinal), answer);
                Check.That(Get(pair, "/none").StartsWith("HTTP/1.1 404", StringComparison.Ordinal),
                    "404");
                DriverStatistics statistics = pair.Server.GetStatistics();
                Check.Equal(1UL, statistics.DocumentsServed, "served");
                Check.Equal(1UL, statistics.HandshakesNotFound, "not found");
                Check.Equal(1UL, statistics.HandshakesFailed, "failed");
                Check.Equal(0, pair.Server.RemoveDocument(0, "/"), "remove");
                Check.Status(StatusCode.NotFound, pair.Server.RemoveDocument(0, "/"), "removed");
                Check.That(!Get(pair, "/").Contains("hello"), "no longer served");
                Check.Status(StatusCode.InvalidArgument,
                    pair.Server.SetDocument(0, "page", "text/html", page),
                        "a path without a slash");
            }
        }

        private static string Get(Pair pair, string path)
        {
            using (TcpClient client = new TcpClient("127.0.0.1",
                pair.Server.GetLocalEndpoint().Port))
            {
                NetworkStream stream = client.GetStream();
                byte[] request = Encoding.ASCII.GetBytes(
                    "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                stream.Write(request, 0, request.Length);
                IAsyncResult pending;
                byte[] buffer = new byte[4096];
                MemoryStream answer = new MemoryStream();
                while (true)
                {
                    pending = stream.BeginRead(buffer, 0, buffer.Length, null, null);
                    pair.Until(() => pending.IsCompleted, "an answer");
                    int count = stream.EndRead(pending);
                    if (count == 0)
                        return Encoding.UTF8.GetString(answer.ToArray());
                    answer.Write(buffer, 0, count);
                }
            }
        }

        public static void ARefusedHandshakeSaysWhy()
        {
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(new WebSocketNetworkInterface
                {
                    Dialect = WebSocketDialect.Plain, Path = "/game",
                });
                pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface());
                NetworkConnection connection = pair.Client.Connect(Pair.Url(pair.Server, "/other"));
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, connection, out reader);
                Check.Equal((byte)DisconnectReason.HandshakeRejected, reader.ReadByte(), "reason");
                Check.That(pair.Client.LastEvent.Text.Contains("404"), pair.Client.LastEvent.Text);
                pair.ClientSide = pair.Client.Connect(Pair.Url(pair.Server, "/game"));
                pair.Establish();
            }
        }

        public static void ThePathOfTheSettingsIsUsed()
        {
            NetworkSettings settings = new NetworkSettings().WithWebSocketParameters("/utp");
            using (Pair pair = Pair.Open(Road.WebSocketUtp, settings))
                Check.Equal("/utp", pair.Server.GetConnectionText(pair.ServerSide,
                    ConnectionText.Path), "path");
        }

        public static void NobodyListens()
        {
            int port;
            using (NetworkDriver server = Pair.Listener(new WebSocketNetworkInterface()))
                port = server.GetLocalEndpoint().Port;
            using (Pair pair = new Pair())
            {
                // A URL makes the driver's WebSocket interface.
                pair.Client = NetworkDriver.Create();
                NetworkConnection connection = pair.Client.Connect("ws://127.0.0.1:" + port + "/");
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, connection, out reader);
                Check.Equal((byte)DisconnectReason.ConnectionRefused, reader.ReadByte(), "reason");
            }
        }

        public static void TheUtpDialectCanBeAskedForByUrl()
        {
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(new WebSocketNetworkInterface());
                pair.Client = NetworkDriver.Create();
                ConnectOptions options = new ConnectOptions
                {
                    Dialect = WebSocketDialect.Utp, Payload = new byte[] { 4, 2 },
                };
                pair.ClientSide = pair.Client.Connect(Pair.Url(pair.Server), options);
                pair.Establish();
                Check.Bytes(new byte[] { 4, 2 }, pair.Server.GetConnectPayload(pair.ServerSide),
                    "payload");
            }
        }
    }
}
