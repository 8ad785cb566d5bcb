using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NetDriver.Error;
using NetDriver.WebSockets;
using WebSocket = NetDriver.WebSockets.WebSocket;

namespace NetDriver.Tests
{
    /// <summary>How connections of the faces end, in order and out of order, and what is refused.
    /// </summary>
    [Tests]
    internal static class FaceEndTests
    {
        private static string UrlOf(WebSocketServer server)
        {
            return "ws://127.0.0.1:" + server.LocalPort + "/";
        }

        /// <summary>A stream that a peer of its own accepts, with the client's end.</summary>
        private static WebSocketPeer Accepting(out Socket client, out Socket accepted)
        {
            TcpListener listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(listener.LocalEndpoint);
            accepted = listener.AcceptSocket();
            listener.Stop();
            WebSocketPeer peer = new WebSocketPeer();
            Check.Equal(0, peer.AcceptStream(accepted.Handle), "accept");
            return peer;
        }

        private static readonly byte[] s_Upgrade = Encoding.ASCII.GetBytes(
            "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");

        public static void AStreamThatWasClosedDuringItsHandshakeDoesNotOpenLater()
        {
            Socket client;
            Socket accepted;
            using (WebSocketPeer peer = Accepting(out client, out accepted))
            using (client)
            using (accepted)
            {
                peer.Poll();
                Check.Equal(0, peer.Close(), "close");
                Check.Equal(WebSocketPeer.State.Closed, peer.GetReadyState(), "at once");
                Check.That(!peer.Driver.IsCreated, "its driver is gone");
                client.Send(s_Upgrade);
                for (int i = 0; i < 5; i++)
                    peer.Poll();
                Check.Equal(0, client.Available, "no answer");
                Check.Equal(WebSocketPeer.State.Closed, peer.GetReadyState(), "and stays so");
            }
        }

        public static void AHandshakeThatFailsLeavesNoDriverBehind()
        {
            Socket client;
            Socket accepted;
            using (WebSocketPeer peer = Accepting(out client, out accepted))
            using (client)
            using (accepted)
            {
                client.Send(Encoding.ASCII.GetBytes("nonsense\r\n\r\n"));
                byte[] answer = new byte[12];
                bool read = false;
                FaceTests.Until(() =>
                {
                    peer.Poll();
                    if (!read && client.Available >= answer.Length)
                    {
                        read = true;
                        client.Receive(answer);
                        client.Shutdown(SocketShutdown.Both);
                    }
                }, () => peer.GetReadyState() == WebSocketPeer.State.Closed, "the end");
                Check.Equal("HTTP/1.1 400", Encoding.ASCII.GetString(answer), "the answer");
                Check.Equal(-1, peer.GetCloseCode(), "no goodbye");
                peer.Poll();
                Check.That(!peer.Driver.IsCreated, "its driver is gone");
            }
        }

        public static void AStreamIsAcceptedWithTls()
        {
            TcpListener listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            TlsServerOptions tls = new TlsServerOptions(
                new TlsIdentity(TlsTests.Pem("localhost.pem"), TlsTests.Pem("localhost.key"))
                {
                    OcspResponse = new byte[] { 1, 2, 3 },
                });
            using (WebSocketPeer client = new WebSocketPeer())
            using (WebSocketPeer server = new WebSocketPeer())
            {
                int port = ((IPEndPoint)listener.LocalEndpoint).Port;
                TlsClientOptions trust = new TlsClientOptions
                {
                    CACertificate = TlsTests.Pem("ca.pem"),
                };
                Check.Equal(0, client.ConnectToUrl("wss://localhost:" + port, trust), "url");
                FaceTests.Until(() => client.Poll(), () => listener.Pending(), "a client");
                using (Socket accepted = listener.AcceptSocket())
                {
                    Check.Equal(0, server.AcceptStream(accepted.Handle, tls), "accept");
                    Action turn = () =>
                    {
                        client.Poll();
                        server.Poll();
                    };
                    FaceTests.Until(turn, () =>
                        client.GetReadyState() == WebSocketPeer.State.Open
                        && server.GetReadyState() == WebSocketPeer.State.Open, "open");
                    Check.That(server.GetRequestedUrl().StartsWith("wss://"), "secure");
                    Check.Equal(0, server.SendText("hello"), "send");
                    FaceTests.Until(turn, () => client.GetAvailablePacketCount() == 1, "a text");
                }
            }
            listener.Stop();
        }

        public static void ARequestToCloseComesBehindWhatCameBeforeIt()
        {
            List<string> log = new List<string>();
            List<string> there = new List<string>();
            using (WebSocketServer server = FaceTests.Server())
            using (WebSocketClient client = new WebSocketClient())
            {
                client.ConnectionEstablished += protocol => log.Add("established");
                client.DataReceived += () => log.Add("data");
                client.ServerCloseRequest += (code, reason) => log.Add("request " + code);
                client.ConnectionClosed += clean => log.Add("closed " + clean);
                server.ClientConnected += (id, protocol) =>
                {
                    server.Send(id, new byte[] { 1 });
                    server.DisconnectPeer(id, 4000, "full");
                };
                server.ClientDisconnected += (id, clean) => there.Add("gone " + clean);
                Check.Equal(0, client.ConnectToUrl(UrlOf(server)), "url");
                // The server has said all before the client looks again.
                client.Poll();
                FaceTests.Until(() =>
                {
                    server.Poll();
                    if (server.Driver.GetStatistics().ConnectionsIncoming > 0)
                        client.Poll();
                }, () => log.Count == 4 && there.Count == 1, "the end");
                Check.Equal("established|data|request 4000|closed True",
                    string.Join("|", log.ToArray()), "client's story");
            }
        }

        public static void AFaultOfTheOtherSideEndsWithTheCodeThatItWasTold()
        {
            using (WebSocketServer server = FaceTests.Server())
            using (WebSocketPeer peer =
                new WebSocketPeer { InboundBufferSize = 1000, OutboundBufferSize = 1000 })
            {
                Check.Equal(0, peer.ConnectToUrl(UrlOf(server)), "url");
                Action turn = () =>
                {
                    peer.Poll();
                    server.Poll();
                };
                FaceTests.Until(turn, () => server.GetPeers().Length == 1, "open");
                WebSocketPeer there = server.GetPeer(server.GetPeers()[0]);
                Check.Equal(0, there.Send(new byte[2000]), "too long for the peer");
                FaceTests.Until(turn, () => peer.GetReadyState() == WebSocketPeer.State.Closed
                    && server.GetPeers().Length == 0, "the end");
                Check.Equal(1009, peer.GetCloseCode(), "what it said");
                Check.Equal(1009, there.GetCloseCode(), "and what was heard");
            }
        }

        public static void GoodbyesThatMustNotBeSaidAreErrors()
        {
            using (WebSocketServer server = FaceTests.Server())
            using (WebSocketClient client = new WebSocketClient())
            {
                Check.Equal(0, client.DisconnectFromHost(), "there is nothing to end");
                Check.Status(StatusCode.NetworkIdMismatch, server.DisconnectPeer(7), "nobody");
                client.ConnectToUrl(UrlOf(server));
                Action turn = () =>
                {
                    client.Poll();
                    server.Poll();
                };
                FaceTests.Until(turn, () => server.GetPeers().Length == 1
                    && client.GetPeer().IsConnectedToHost(), "open");
                int id = server.GetPeers()[0];
                foreach (int code in new[] { 0, 999, 1005, 1006, 2999, 5000, 70000 })
                {
                    Check.Status(StatusCode.InvalidArgument, server.DisconnectPeer(id, code),
                        "server's " + code);
                    Check.Status(StatusCode.InvalidArgument, client.DisconnectFromHost(code),
                        "client's " + code);
                }
                Check.Status(StatusCode.InvalidArgument,
                    client.DisconnectFromHost(1000, new string('x', 124)), "a long reason");
                Check.That(client.GetPeer().IsConnectedToHost(), "still open");
                Check.Equal(0, client.DisconnectFromHost(3000, new string('x', 123)), "good");
            }
        }

        public static void PeersOfAServerThatStopsAreClosed()
        {
            WebSocketServer server = FaceTests.Server();
            using (WebSocketPeer peer = new WebSocketPeer())
            {
                int told = 0;
                server.DataReceived += id =>
                {
                    told++;
                    server.Stop();
                };
                peer.ConnectToUrl(UrlOf(server));
                Action turn = () =>
                {
                    peer.Poll();
                    server.Poll();
                };
                FaceTests.Until(turn, () => server.GetPeers().Length == 1
                    && peer.GetReadyState() == WebSocketPeer.State.Open, "open");
                WebSocketPeer there = server.GetPeer(server.GetPeers()[0]);
                for (int i = 0; i < 3; i++)
                    peer.Send(new byte[] { 1 });
                FaceTests.Until(turn, () => told > 0, "data");
                server.Poll();
                Check.Equal(1, told, "nothing more after the stop");
                Check.Equal(WebSocketPeer.State.Closed, there.GetReadyState(), "closed");
                Check.Status(StatusCode.NetworkStateMismatch, there.SendText("x"), "send");
                Check.Equal(0, there.Close(), "it is over already");
            }
        }

        public static void BuffersOfEachWayHaveTheirOwnNumberOfPackets()
        {
            WebSocketServer server = new WebSocketServer { BindIp = "127.0.0.1" };
            using (server)
            using (WebSocketClient client = new WebSocketClient())
            {
                server.SetBuffers(64, 5, 64, 7);
                client.SetBuffers(64, 3, 64, 4);
                Check.Equal(0, server.Listen(0), "listen");
                Check.Equal(0, client.ConnectToUrl(UrlOf(server)), "url");
                FaceTests.Until(() =>
                {
                    client.Poll();
                    server.Poll();
                }, () => server.GetPeers().Length == 1, "open");
                ConnectionLimits limits;
                WebSocketPeer there = server.GetPeer(server.GetPeers()[0]);
                server.Driver.GetConnectionLimits(there.Connection, out limits);
                Check.Equal(5u, limits.ReceiveQueueCapacity, "server's in");
                Check.Equal(7u, limits.WebSocketSendQueueCapacity, "server's out");
                client.GetPeer().Driver.GetConnectionLimits(
                    client.GetPeer().Connection, out limits);
                Check.Equal(3u, limits.ReceiveQueueCapacity, "client's in");
                Check.Equal(4u, limits.WebSocketSendQueueCapacity, "client's out");
            }
        }

        public static void HeaderLinesOfOneNameAllArrive()
        {
            WebSocketServer server = new WebSocketServer
            {
                BindIp = "127.0.0.1",
                ExtraHeaders = new[] { "Set-Cookie: a=1", "Set-Cookie: b=2" },
            };
            using (server)
            using (WebSocketPeer peer = new WebSocketPeer())
            {
                Check.Equal(0, server.Listen(0), "listen");
                peer.HandshakeHeaders = new[] { "X-Mine: 1", "X-Mine: 2" };
                Check.Equal(0, peer.ConnectToUrl(UrlOf(server)), "url");
                FaceTests.Until(() =>
                {
                    peer.Poll();
                    server.Poll();
                }, () => server.GetPeers().Length == 1
                    && peer.GetReadyState() == WebSocketPeer.State.Open, "open");
                string all = peer.Driver.GetConnectionText(
                    peer.Connection, ConnectionText.Headers);
                Check.That(all.Contains("a=1") && all.Contains("b=2"), "both cookies: " + all);
                WebSocketPeer there = server.GetPeer(server.GetPeers()[0]);
                all = server.Driver.GetConnectionText(there.Connection, ConnectionText.Headers);
                Check.That(all.Contains("X-Mine: 1") && all.Contains("X-Mine: 2"), "both: " + all);
            }
        }

        public static void BestHttpsSocketTakesAListOfSubProtocolsAndNoOrigin()
        {
            using (WebSocketServer server = FaceTests.Server(new[] { "b" }))
            using (WebSocket socket = new WebSocket(new Uri(UrlOf(server)), null, "a, b"))
            {
                Check.Status(StatusCode.NetworkStateMismatch,
                    socket.Close(1000, string.Empty), "before Open");
                socket.OnInternalRequestCreated = (ws, options) => options.Headers["X-Mine"] = "1";
                socket.Open();
                FaceTests.Until(() =>
                {
                    socket.Update();
                    server.Poll();
                }, () => socket.IsOpen && server.GetPeers().Length == 1, "open");
                Check.Equal("b", socket.SelectedProtocol, "sub-protocol");
                WebSocketPeer there = server.GetPeer(server.GetPeers()[0]);
                Check.Equal("1",
                    server.Driver.GetConnectionHeader(there.Connection, "X-Mine"), "header");
                Check.Status(StatusCode.InvalidArgument, socket.Close(1005, "x"), "a bad code");
                Check.That(socket.IsOpen, "still open");
            }
        }

        public static void AnAddressThatCannotBeUsedIsAnErrorWithWords()
        {
            WebSocket socket = new WebSocket(new Uri("http://127.0.0.1:1/"));
            string error = null;
            socket.OnError = (ws, text) => error = text;
            socket.Open();
            Check.Equal(0, socket.Close(1000, string.Empty), "close");
            FaceTests.Until(() => socket.Update(), () => error != null, "the error");
            Check.That(error.Contains("ws://"), error);
            socket.Update();
            Check.That(!socket.Driver.IsCreated, "freed");
        }
    }
}
