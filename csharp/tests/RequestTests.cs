using System.Collections.Generic;
using System.Text;
using NetDriver.Error;

namespace NetDriver.Tests
{
    [Tests]
    internal static class RequestTests
    {
        private static Pair Ask(ConnectOptions options)
        {
            Pair pair = new Pair();
            pair.Server = Pair.Listener(new WebSocketNetworkInterface
            {
                Dialect = WebSocketDialect.Plain,
                AcceptRequests = true,
                SubProtocols = new[] { "arena" },
                AllowedOrigins = new[] { "https://game.example" },
                ResponseHeaders = new Dictionary<string, string> { { "X-Game", "arena" } },
            });
            pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface());
            pair.ClientSide = pair.Client.Connect(Pair.Url(pair.Server, "/room?x=1"), options);
            return pair;
        }

        private static ConnectionRequest Next(Pair pair)
        {
            ConnectionRequest request = default(ConnectionRequest);
            pair.Until(() => pair.Server.PopRequest(out request), "a request comes");
            return request;
        }

        private static ConnectOptions Options()
        {
            return new ConnectOptions
            {
                SubProtocols = new[] { "arena", "other" },
                Headers = new Dictionary<string, string>
                {
                    { "Origin", "https://game.example" }, { "Cookie", "sid=7; b=" },
                    { "X-Token", "ü" },
                },
            };
        }

        public static void ARequestShowsWhatTheClientSaidAndBecomesAConnection()
        {
            using (Pair pair = Ask(Options()))
            {
                ConnectionRequest request = Next(pair);
                Check.That(request.IsCreated && request.Id != 0, "created");
                Check.Equal(0, request.InterfaceIndex, "interface");
                Check.Equal("/room", request.Path, "path");
                Check.Equal("x=1", request.GetText(ConnectionText.Query), "query");
                Check.Equal("GET", request.GetText(ConnectionText.Method), "method");
                Check.Equal("https://game.example", request.Origin, "origin");
                Check.Equal("sid=7\nb=\n", request.GetText(ConnectionText.Cookies), "cookies");
                Check.Equal("arena,other", request.GetText(ConnectionText.SubProtocolsOffered),
                    "offered");
                Check.Equal("ü", request.GetHeader("x-token"), "header");
                Check.Equal<string>(null, request.GetHeader("X-None"), "no header");
                Check.Equal("7", request.GetCookie("sid"), "cookie");
                Check.Equal(string.Empty, request.GetCookie("b"), "empty cookie");
                Check.Equal<string>(null, request.GetCookie("none"), "no cookie");
                Check.That(request.RemainingMS > 0 && request.RemainingMS <= 5000, "time");
                Check.That(request.RemoteEndpoint == request.PeerEndpoint, "no proxy");
                Check.That(!request.IsTls && !request.IsForwardedTls, "no TLS");
                Check.Equal(pair.Server.GetLocalEndpoint().Port, request.LocalEndpoint.Port,
                    "port");
                Check.Status(StatusCode.InvalidArgument, request.Accept("none"), "not offered");
                Check.Equal(0, request.Accept("other", new Dictionary<string, string>
                {
                    { "X-Room", "7" },
                }), "accept");
                Check.Status(StatusCode.NetworkVersionMismatch, request.Accept(), "once only");
                Check.Equal(string.Empty, request.Path, "stale");
                pair.Establish();
                Check.Equal("other", pair.Client.GetConnectionText(pair.ClientSide,
                    ConnectionText.SubProtocol), "agreed");
                Check.Equal("7", pair.Client.GetConnectionHeader(pair.ClientSide, "x-room"),
                    "header of the answer");
                Check.Equal("arena", pair.Client.GetConnectionHeader(pair.ClientSide, "x-game"),
                    "header of every answer");
                string url = Pair.Url(pair.Server, "/room?x=1");
                Check.Equal(url, pair.Server.GetConnectionText(pair.ServerSide,
                    ConnectionText.Url), "URL");
                Check.Equal(url, pair.Client.GetConnectionText(pair.ClientSide,
                    ConnectionText.Url), "URL of the client");
                ConnectionInfo info;
                Check.Equal(0, pair.Server.GetConnectionInfo(pair.ServerSide, out info), "info");
                Check.That(info.PeerEndpoint == info.RemoteEndpoint, "no proxy");
            }
        }

        public static void ARejectedRequestTellsItsStatus()
        {
            using (Pair pair = Ask(Options()))
            {
                ConnectionRequest request = Next(pair);
                Check.Status(StatusCode.InvalidArgument, request.Reject(101), "no refusal");
                Check.Equal(0, request.Reject(401, new Dictionary<string, string>
                {
                    { "WWW-Authenticate", "Basic" },
                }, Encoding.UTF8.GetBytes("who?")), "reject");
                Refused(pair, 401);
            }
        }

        public static void AForeignOriginIsRefusedBeforeTheProgramIsAsked()
        {
            ConnectOptions options = Options();
            options.Headers["Origin"] = "https://evil.example";
            using (Pair pair = Ask(options))
            {
                Refused(pair, 403);
                ConnectionRequest request;
                Check.That(!pair.Server.PopRequest(out request), "no request");
                Check.That(!request.IsCreated, "default value");
            }
        }

        private static void Refused(Pair pair, int status)
        {
            DataStreamReader reader;
            pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
            Check.Equal((byte)DisconnectReason.HandshakeRejected, reader.ReadByte(), "reason");
            Check.Equal(status, pair.Client.LastEvent.CloseCode, "status");
        }

        public static void AClientBehindATrustedProxyHasItsOwnAddress()
        {
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(new WebSocketNetworkInterface
                {
                    Dialect = WebSocketDialect.Plain,
                    TrustedProxies = new[] { "127.0.0.0/8" },
                });
                pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface());
                ConnectOptions options = new ConnectOptions
                {
                    Headers = new Dictionary<string, string>
                    {
                        { "X-Forwarded-For", "192.0.2.7" },
                    },
                };
                pair.ClientSide = pair.Client.Connect(Pair.Url(pair.Server), options);
                pair.Establish();
                ConnectionInfo info;
                Check.Equal(0, pair.Server.GetConnectionInfo(pair.ServerSide, out info), "info");
                Check.Equal("192.0.2.7:0", info.RemoteEndpoint.ToString(), "remote");
                Check.That(info.PeerEndpoint.IsLoopback, "peer");
            }
        }

        public static void BadInterfaceSettingsAreRefused()
        {
            using (NetworkDriver driver = NetworkDriver.Create())
            {
                Check.Status(StatusCode.InvalidArgument, driver.AddInterface(
                    new WebSocketNetworkInterface { ProxyProtocol = true }), "nobody trusted");
                Check.Status(StatusCode.InvalidArgument, driver.AddInterface(
                    new WebSocketNetworkInterface { RequestTimeoutMS = -1 }), "negative");
                Check.Status(StatusCode.InvalidArgument, driver.AddInterface(
                    new WebSocketNetworkInterface { AllowedOrigins = new[] { "a/" } }), "origin");
            }
        }
    }
}
