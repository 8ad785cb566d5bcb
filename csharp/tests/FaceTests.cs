using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NetDriver.Error;
using NetDriver.WebSockets;
using WebSocket = NetDriver.WebSockets.WebSocket;

namespace NetDriver.Tests
{
    /// <summary>The faces of Best HTTP and Godot, against each other and a driver.</summary>
    [Tests]
    internal static class FaceTests
    {
        private const int PatienceMS = 60000;

        internal static void Until(Action turn, Func<bool> condition, string what)
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (!condition())
            {
                Check.That(watch.ElapsedMilliseconds < PatienceMS, "in time: " + what);
                turn();
                System.Threading.Thread.Sleep(0);
            }
        }

        internal static WebSocketServer Server(string[] protocols = null)
        {
            WebSocketServer server = new WebSocketServer { BindIp = "127.0.0.1" };
            Check.Equal(0, server.Listen(0, protocols), "listen");
            return server;
        }

        /// <summary>A server that sends back what it gets, in the kind in which it came.</summary>
        private static WebSocketServer Echo(List<string> log)
        {
            WebSocketServer server = Server();
            server.ClientConnected += (id, protocol) => log.Add("connected " + protocol);
            server.ClientCloseRequest += (id, code, reason) =>
                log.Add("request " + code + " " + reason);
            server.ClientDisconnected += (id, clean) => log.Add("disconnected " + clean);
            server.DataReceived += id =>
            {
                WebSocketPeer peer = server.GetPeer(id);
                byte[] packet = peer.GetPacket();
                peer.WriteMode = peer.WasStringPacket() ? WriteMode.Text : WriteMode.Binary;
                Check.Equal(0, peer.PutPacket(packet), "echo");
            };
            return server;
        }

        private static Uri UriOf(WebSocketServer server)
        {
            return new Uri("ws://127.0.0.1:" + server.LocalPort + "/room");
        }

        public static void BestHttpsCallbacksTellAStoryAgainstGodotsServer()
        {
            List<string> server = new List<string>();
            List<string> client = new List<string>();
            using (WebSocketServer echo = Echo(server))
            using (WebSocket socket = new WebSocket(UriOf(echo)))
            {
                socket.OnOpen = ws =>
                {
                    client.Add("open " + ws.IsOpen);
                    Check.Equal(0, ws.Send("text"), "text");
                    Check.Equal(0, ws.Send(new byte[] { 1, 2, 3 }), "bytes");
                    Check.Equal(0, ws.Send(new byte[] { 9, 8, 7 }, 1, 1), "part");
                    byte[] mine = Encoding.UTF8.GetBytes("[mine]");
                    BufferReleased back = (data, user) => client.Add("released");
                    Check.Equal(0, ws.SendAsText(new BufferSegment(mine, 1, 4), back), "owned");
                    Check.Equal(0, ws.SendAsBinary(new BufferSegment(mine, 0, 1)), "owned bytes");
                };
                socket.OnMessage = (ws, text) => client.Add("text " + text);
                socket.OnBinary = (ws, data) => client.Add("bytes " + BitConverter.ToString(data));
                socket.OnBinaryNoAlloc = (ws, data) =>
                    client.Add("part " + BitConverter.ToString(data.CopyToArray()));
                socket.OnClosed = (ws, code, why) => client.Add("closed " + code + " " + why);
                socket.OnError = (ws, error) => client.Add("error " + error);
                Check.Equal(WebSocketStates.Connecting, socket.State, "state before");
                socket.Open();
                Check.Throws<InvalidOperationException>(() => socket.Open(), "twice");
                Action turn = () =>
                {
                    WebSocket.UpdateAll();
                    echo.Poll();
                };
                Until(turn, () => client.Count >= 10, "all echoes");
                Check.Equal(0, socket.Close(4001, "bye"), "close");
                Check.Equal(WebSocketStates.Closing, socket.State, "state after");
                Until(turn, () => socket.State == WebSocketStates.Closed && server.Count == 3,
                    "the end");
                Check.Equal("open True|released|text text|part 01-02-03|bytes 01-02-03|part 08|"
                    + "bytes 08|text mine|part 5B|bytes 5B|closed 4001 ",
                    string.Join("|", client.ToArray()), "client's story");
                Check.Equal("connected |request 4001 bye|disconnected True",
                    string.Join("|", server.ToArray()), "server's story");
            }
        }

        public static void BestHttpsErrorsAndClosesAreDifferentThings()
        {
            List<string> log = new List<string>();
            WebSocket nobody = new WebSocket(new Uri("ws://127.0.0.1:1/"));
            nobody.OnError = (ws, error) => log.Add("error");
            nobody.OnClosed = (ws, code, reason) => log.Add("closed");
            nobody.Open();
            Until(() => nobody.Update(), () => log.Count > 0, "the error");
            Check.Equal("error", log[0], "refused");
            Until(() => nobody.Update(), () => !nobody.Driver.IsCreated, "freed");
            using (WebSocketServer server = Server())
            using (WebSocket early = new WebSocket(UriOf(server)))
            {
                log.Clear();
                early.OnClosed = (ws, code, reason) => log.Add("closed " + code);
                early.Open();
                early.Close();
                Until(() => early.Update(), () => log.Count > 0, "the end");
                Check.Equal("closed 1000", log[0], "closed before it was open");
            }
            using (WebSocketServer server = Server())
            using (WebSocket left = new WebSocket(UriOf(server)))
            {
                log.Clear();
                left.OnClosed = (ws, code, reason) => log.Add(code + " " + reason);
                left.Open();
                Action turn = () =>
                {
                    left.Update();
                    server.Poll();
                };
                Until(turn, () => left.IsOpen, "open");
                server.DisconnectPeer(server.GetPeers()[0], 4002, "go");
                Until(turn, () => log.Count > 0, "the end");
                Check.Equal("4002 go", log[0], "the server's goodbye");
            }
        }

        public static void BestHttpsPingsMeasureAndIncompleteFramesStream()
        {
            using (WebSocketServer server = Server())
            {
                server.SetBuffers(64, 1024, 64, 1024);
                int bytes = 0;
                bool final = false;
                WebSocket socket = new WebSocket(UriOf(server), "http://here", "a,b");
                socket.StartPingThread = true;
                socket.PingFrequency = 100;
                socket.OnIncompleteFrame = (ws, frame) =>
                {
                    bytes += frame.Data.Count;
                    final |= frame.IsFinal;
                    Check.That(!frame.IsText, "binary");
                };
                socket.OnInternalRequestCreated = (ws, options) =>
                {
                    Check.Equal(2, options.SubProtocols.Length, "sub-protocols");
                    options.Headers["X-Mine"] = "1";
                    options.SubProtocols = null;
                };
                using (socket)
                {
                    socket.Open();
                    Action turn = () =>
                    {
                        socket.Update();
                        server.Poll();
                    };
                    Until(turn, () => socket.IsOpen && server.GetPeers().Length == 1, "open");
                    Until(turn, () => socket.Latency > 0, "a latency");
                    Check.Equal(DateTime.MinValue, socket.LastMessageReceived, "no message yet");
                    WebSocketPeer peer = server.GetPeer(server.GetPeers()[0]);
                    Check.Equal("1",
                        server.Driver.GetConnectionHeader(peer.Connection, "X-Mine"), "header");
                    Check.Equal("http://here",
                        server.Driver.GetConnectionText(peer.Connection, ConnectionText.Origin),
                        "origin");
                    server.Driver.BeginMessage(peer.Connection);
                    server.Driver.AppendMessage(peer.Connection, new byte[1000]);
                    Until(turn, () => bytes == 1000, "a piece");
                    server.Driver.FinishMessage(peer.Connection);
                    Until(turn, () => final, "the last piece");
                    Check.That(
                        socket.LastMessageReceived > DateTime.UtcNow.AddMinutes(-1), "time");
                    Check.Equal(0, socket.BufferedAmount, "nothing waits");
                }
            }
        }

        public static void GodotsPeerIsPolledAndReadsAfterTheEnd()
        {
            using (WebSocketServer server = Server(new[] { "demo-chat" }))
            using (WebSocketPeer peer = new WebSocketPeer())
            {
                server.SetBuffers(64, 1024, 64, 1024);
                peer.SupportedProtocols = new[] { "other", "demo-chat" };
                peer.HandshakeHeaders = new[] { "X-Mine: 1" };
                Check.Equal(WebSocketPeer.State.Closed, peer.GetReadyState(), "at first");
                Check.Status(StatusCode.NetworkStateMismatch, peer.SendText("x"), "not open");
                Check.Equal(0, peer.ConnectToUrl("127.0.0.1:" + server.LocalPort + "/p?q"), "url");
                Check.Status(
                    StatusCode.NetworkStateMismatch, peer.ConnectToUrl("ws://x/"), "busy");
                Action turn = () =>
                {
                    peer.Poll();
                    server.Poll();
                };
                Until(turn, () => peer.GetReadyState() == WebSocketPeer.State.Open
                    && server.GetPeers().Length == 1, "open");
                Check.Equal("demo-chat", peer.GetSelectedProtocol(), "sub-protocol");
                Check.Equal("127.0.0.1", peer.GetConnectedHost(), "host");
                Check.Equal(server.LocalPort, peer.GetConnectedPort(), "port");
                int id = server.GetPeers()[0];
                Check.That(id >= 2 && server.HasPeer(id) && !server.HasPeer(1), "number");
                Check.Equal("127.0.0.1", server.GetPeerAddress(id), "peer's address");
                Check.That(server.GetPeerPort(id) > 0, "peer's port");
                Check.That(server.GetPeer(id).GetRequestedUrl().EndsWith("/p?q"), "URL");
                peer.SetNoDelay(false);
                Check.Equal(0, peer.SendText("one"), "text");
                Check.Equal(0, peer.Send(new byte[] { 2 }), "binary");
                WebSocketPeer there = server.GetPeer(id);
                Until(turn, () => there.GetAvailablePacketCount() == 2, "two packets");
                Check.Equal("one", Encoding.UTF8.GetString(there.GetPacket()), "first");
                Check.That(there.WasStringPacket(), "a text");
                Check.Equal(1, there.GetPacket().Length, "second");
                Check.That(!there.WasStringPacket() && there.GetPacket() == null, "bytes");
                Check.Equal(1, server.Send(0, new byte[] { 1 }), "all");
                Check.Equal(0, server.Send(-id, new byte[] { 1 }), "all but one");
                Check.Equal(1, server.Send(id, Encoding.UTF8.GetBytes("last"), WriteMode.Text),
                    "one");
                server.DisconnectPeer(id, 4000, "over");
                Until(turn, () => peer.GetReadyState() == WebSocketPeer.State.Closed, "closed");
                Check.Equal(4000, peer.GetCloseCode(), "code");
                Check.Equal("over", peer.GetCloseReason(), "reason");
                Check.Equal(2, peer.GetAvailablePacketCount(), "packets that came before");
                Until(turn, () => !server.HasPeer(id), "the peer is gone");
            }
        }

        public static void GodotsLimitsAreErrorsAtTheCall()
        {
            using (WebSocketServer server = Server())
            using (WebSocketPeer peer = new WebSocketPeer { MaxQueuedPackets = 2 })
            {
                Check.Equal(0, peer.ConnectToUrl("ws://127.0.0.1:" + server.LocalPort), "url");
                Action turn = () =>
                {
                    peer.Poll();
                    server.Poll();
                };
                Until(turn, () => peer.GetReadyState() == WebSocketPeer.State.Open, "open");
                ConnectionLimits limits;
                Check.Equal(0, peer.Driver.GetConnectionLimits(peer.Connection, out limits), "get");
                Check.Equal(2u, limits.WebSocketSendQueueCapacity, "packets");
                Check.Equal(65535u, limits.WebSocketMessageSizeMax, "bytes");
                Check.Status(StatusCode.NetworkPacketOverflow, peer.Send(new byte[65536]), "long");
                peer.Close(-1);
                Check.Equal(WebSocketPeer.State.Closed, peer.GetReadyState(), "at once");
                Check.Equal(-1, peer.GetCloseCode(), "without a word");
                server.RefuseNewConnections = true;
                Check.Equal(0, peer.ConnectToUrl("ws://127.0.0.1:" + server.LocalPort), "again");
                Until(turn, () => peer.GetReadyState() == WebSocketPeer.State.Closed, "refused");
                Check.Equal(-1, peer.GetCloseCode(), "no goodbye");
            }
        }

        public static void GodotsPeerAcceptsAStream()
        {
            TcpListener listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            using (WebSocketPeer client = new WebSocketPeer())
            using (WebSocketPeer server = new WebSocketPeer())
            {
                client.ConnectToUrl("ws://127.0.0.1:" + ((IPEndPoint)listener.LocalEndpoint).Port);
                Until(() => client.Poll(), () => listener.Pending(), "a client");
                Socket accepted = listener.AcceptSocket();
                Check.Equal(0, server.AcceptStream(accepted.Handle), "accept");
                Action turn = () =>
                {
                    client.Poll();
                    server.Poll();
                };
                Until(turn, () => client.GetReadyState() == WebSocketPeer.State.Open
                    && server.GetReadyState() == WebSocketPeer.State.Open, "open");
                client.SendText("hello");
                Until(turn, () => server.GetAvailablePacketCount() == 1, "a packet");
                client.Close();
                Until(turn, () => client.GetReadyState() == WebSocketPeer.State.Closed
                    && server.GetReadyState() == WebSocketPeer.State.Closed, "closed");
                Check.Equal(1000, client.GetCloseCode(), "client's code");
                Check.Equal(1000, server.GetCloseCode(), "server's code");
                GC.KeepAlive(accepted);
            }
            listener.Stop();
        }

        public static void GodotsClientRaisesItsSignals()
        {
            List<string> log = new List<string>();
            List<string> there = new List<string>();
            using (WebSocketServer server = Echo(there))
            using (WebSocketClient client = new WebSocketClient())
            {
                client.ConnectionEstablished += protocol => log.Add("established");
                client.ConnectionError += () => log.Add("error");
                client.DataReceived += () =>
                    log.Add(Encoding.UTF8.GetString(client.GetPeer().GetPacket()));
                client.ServerCloseRequest += (code, reason) => log.Add("request " + code);
                client.ConnectionClosed += clean => log.Add("closed " + clean);
                Action turn = () =>
                {
                    client.Poll();
                    server.Poll();
                };
                Check.Equal(0, client.ConnectToUrl(UriOf(server).AbsoluteUri), "url");
                Until(turn, () => log.Count == 1, "established");
                Check.Equal("127.0.0.1", client.GetConnectedHost(), "host");
                client.GetPeer().WriteMode = WriteMode.Text;
                client.GetPeer().PutPacket(Encoding.UTF8.GetBytes("echo"));
                Until(turn, () => log.Count == 2, "an echo");
                Check.That(client.GetPeer().WasStringPacket(), "the mode sticks");
                server.DisconnectPeer(server.GetPeers()[0], 1000, "enough");
                Until(turn, () => log.Count == 4 && there.Count == 2, "the end");
                Check.Equal(0, client.ConnectToUrl("ws://127.0.0.1:1/"), "once more");
                Until(turn, () => log.Count == 5, "nobody is there");
                Check.Equal("established|echo|request 1000|closed True|error",
                    string.Join("|", log.ToArray()), "client's story");
                Check.Equal("connected |disconnected True", string.Join("|", there.ToArray()),
                    "server's story");
            }
        }

        public static void GodotsServerStopsWith1001()
        {
            WebSocketServer server = Server();
            using (WebSocketPeer peer = new WebSocketPeer())
            {
                peer.ConnectToUrl("ws://127.0.0.1:" + server.LocalPort);
                Until(() =>
                {
                    peer.Poll();
                    server.Poll();
                }, () => server.GetPeers().Length == 1, "open");
                Check.Status(StatusCode.NetworkStateMismatch, server.Listen(0), "twice");
                server.Stop();
                Check.That(!server.IsListening(), "stopped");
                Until(() => peer.Poll(), () => peer.GetReadyState() == WebSocketPeer.State.Closed,
                    "closed");
                Check.Equal(1001, peer.GetCloseCode(), "code");
                Check.Equal("Bye bye!", peer.GetCloseReason(), "reason");
            }
            server.BindIp = "nonsense";
            Check.Status(StatusCode.InvalidArgument, server.Listen(0), "no address");
        }
    }
}
