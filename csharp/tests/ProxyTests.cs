using System;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NetDriver.Error;

namespace NetDriver.Tests
{
    [Tests]
    internal static class ProxyTests
    {
        /// <summary>Takes the client, reads its head, answers; gives the head.</summary>
        private static string Answer(Pair pair, TcpListener listener, string text)
        {
            pair.Until(listener.Pending, "the client comes");
            using (Socket stream = listener.AcceptSocket())
            {
                StringBuilder head = new StringBuilder();
                byte[] buffer = new byte[2048];
                pair.Until(() =>
                {
                    if (stream.Available > 0)
                        head.Append(Encoding.ASCII.GetString(buffer, 0, stream.Receive(buffer)));
                    return head.ToString().Contains("\r\n\r\n");
                }, "a head");
                stream.Send(Encoding.ASCII.GetBytes(text));
                return head.ToString();
            }
        }

        private static void With(Action<Pair, TcpListener, int> body)
        {
            TcpListener listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            try
            {
                using (Pair pair = new Pair())
                {
                    pair.Server = Pair.Listener(Pair.Interface(Road.WebSocketPlain));
                    pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface());
                    body(pair, listener, ((IPEndPoint)listener.LocalEndpoint).Port);
                }
            }
            finally
            {
                listener.Stop();
            }
        }

        private static NetworkEventDetails End(Pair pair)
        {
            DataStreamReader reader;
            pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
            return pair.Client.LastEvent;
        }

        public static void AProxyIsAskedForAWay()
        {
            With((pair, listener, port) =>
            {
                ConnectOptions options = new ConnectOptions
                {
                    Proxy = "http://ann:b@127.0.0.1:" + port,
                    NoProxy = new[] { "10.0.0.0/8", "example.com" },
                };
                pair.ClientSide = pair.Client.Connect("ws://game.invalid:81/", options);
                string head = Answer(pair, listener, "HTTP/1.1 407 Who?\r\n\r\n");
                Check.That(head.StartsWith("CONNECT game.invalid:81 HTTP/1.1\r\n"), head);
                Check.That(head.Contains("Proxy-Authorization: Basic YW5uOmI=\r\n"), head);
                NetworkEventDetails end = End(pair);
                Check.Equal(DisconnectReason.ProxyFailed, end.Reason, "reason");
                Check.Equal(407, end.CloseCode, "HTTP status");
                options.NoProxy = new[] { "127.0.0.0/8" };
                pair.ClientSide = pair.Client.Connect(Pair.Url(pair.Server), options);
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
                options.Proxy = "socks4://a:b@p";
                Check.That(!pair.Client.Connect("ws://x/", options).IsCreated, "socks4");
            });
        }

        public static void AProxyThatWantsDigestGetsItAndNeverThePassword()
        {
            With((pair, listener, port) =>
            {
                ConnectOptions options = new ConnectOptions
                {
                    Proxy = "http://ann:hidden@127.0.0.1:" + port,
                    DigestOnly = true,
                };
                pair.ClientSide = pair.Client.Connect("ws://game.invalid:81/", options);
                string head = Answer(pair, listener, "HTTP/1.1 407 Who?\r\nProxy-Authenticate: "
                    + "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5\r\n\r\n");
                Check.That(!head.Contains("Proxy-Authorization"), "nothing before it asks");
                head = Answer(pair, listener, "HTTP/1.1 403 No\r\n\r\n");
                Check.That(head.Contains("Proxy-Authorization: Digest username=\"ann\", "), head);
                Check.That(head.Contains("uri=\"game.invalid:81\""), head);
                Check.That(!head.Contains("hidden"), head);
                NetworkEventDetails end = End(pair);
                Check.Equal(DisconnectReason.ProxyFailed, end.Reason, "reason");
                Check.Equal(403, end.CloseCode, "HTTP status");
            });
        }

        public static void ASocks4aProxyIsToldTheName()
        {
            With((pair, listener, port) =>
            {
                ConnectOptions options = new ConnectOptions
                {
                    Proxy = "socks4a://ann@127.0.0.1:" + port,
                };
                pair.ClientSide = pair.Client.Connect("ws://game.invalid:81/", options);
                pair.Until(listener.Pending, "the client comes");
                using (Socket stream = listener.AcceptSocket())
                {
                    const string Wanted = "\x0004\x0001\x0000Q\0\0\0\x0001ann\0game.invalid\0";
                    byte[] said = new byte[Wanted.Length];
                    pair.Until(() => stream.Available >= said.Length, "the request");
                    stream.Receive(said);
                    Check.Equal(Wanted, Encoding.ASCII.GetString(said), "request");
                    stream.Send(new byte[] { 0, 91, 0, 0, 0, 0, 0, 0 });
                    NetworkEventDetails end = End(pair);
                    Check.Equal(DisconnectReason.ProxyFailed, end.Reason, "reason");
                    Check.That(end.Text.Contains("(91)"), end.Text);
                }
            });
        }

        public static void ARedirectIsFollowedWhenItIsAllowed()
        {
            With((pair, listener, port) =>
            {
                string elsewhere = Pair.Url(pair.Server, "/new");
                string answer = "HTTP/1.1 307 Elsewhere\r\nLocation: " + elsewhere + "\r\n\r\n";
                ConnectOptions options = new ConnectOptions();
                string url = "ws://ann:b@127.0.0.1:" + port + "/";
                pair.ClientSide = pair.Client.Connect(url, options);
                string head = Answer(pair, listener, answer);
                Check.That(head.Contains("Authorization: Basic YW5uOmI=\r\n"), head);
                NetworkEventDetails end = End(pair);
                Check.Equal(DisconnectReason.HandshakeRejected, end.Reason, "reason");
                Check.Equal(307, end.CloseCode, "HTTP status");
                options.RedirectsMax = 1;
                pair.ClientSide = pair.Client.Connect(url, options);
                Answer(pair, listener, answer);
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
                Check.Equal(elsewhere,
                    pair.Client.GetConnectionText(pair.ClientSide, ConnectionText.Url), "URL");
            });
        }
    }
}
