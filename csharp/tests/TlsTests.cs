using System;
using System.IO;
using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>
    /// TLS, with the certificates in tests/certificates: the tests run in the root of the tree.
    /// </summary>
    [Tests]
    internal static class TlsTests
    {
        internal static string Pem(string name)
        {
            return File.ReadAllText(Path.Combine("tests", Path.Combine("certificates", name)));
        }

        private static NetworkSettings ServerSettings()
        {
            return default(NetworkSettings).WithSecureServerParameters(
                Pem("localhost.pem"), Pem("localhost.key"));
        }

        private static NetworkSettings ClientSettings(string serverName = "localhost")
        {
            return default(NetworkSettings).WithSecureClientParameters(Pem("ca.pem"), serverName);
        }

        private static Pair Begin(
            NetworkSettings serverSettings, NetworkSettings clientSettings, string url)
        {
            Pair pair = new Pair();
            pair.Server = Pair.Listener(new WebSocketNetworkInterface(), serverSettings);
            pair.Client = NetworkDriver.Create(new WebSocketNetworkInterface(), clientSettings);
            ushort port = pair.Server.GetLocalEndpoint().Port;
            pair.ClientSide = url == null ? pair.Client.Connect(pair.Server.GetLocalEndpoint())
                : pair.Client.Connect(url + ":" + port + "/");
            Check.That(pair.ClientSide.IsCreated, "connect: " + NetDriverLibrary.LastError);
            return pair;
        }

        public static void UnityTransportsParametersSecureTcp()
        {
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(new TCPNetworkInterface(), ServerSettings());
                pair.Client = NetworkDriver.Create(new TCPNetworkInterface(), ClientSettings());
                pair.ClientSide = pair.Client.Connect(pair.Server.GetLocalEndpoint());
                pair.Establish();
                Echo(pair);
                Check.Equal("TLSv1.3", pair.Server.GetConnectionText(
                    pair.ServerSide, ConnectionText.TlsVersion), "version");
                Check.Equal(string.Empty, pair.Server.GetConnectionText(
                    pair.ServerSide, ConnectionText.Path), "path");
            }
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(new TCPNetworkInterface(), ServerSettings());
                pair.Client = NetworkDriver.Create(
                    new TCPNetworkInterface(), ClientSettings("elsewhere.example"));
                pair.ClientSide = pair.Client.Connect(pair.Server.GetLocalEndpoint());
                Refused(pair, "another host");
            }
        }

        private static void Echo(Pair pair)
        {
            DataStreamReader reader;
            pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
            Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[] { 1, 2, 3 }), "send");
            pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
            Check.Equal(3, reader.Length, "length");
        }

        private static void Refused(Pair pair, string words)
        {
            DataStreamReader reader;
            pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
            Check.Equal(DisconnectReason.AuthenticationFailure, pair.Client.LastEvent.Reason,
                "reason");
            string text = pair.Client.LastEvent.Text;
            Check.That(text.Contains(words), text);
        }

        public static void UnityTransportsParametersSecureBothDialects()
        {
            foreach (string url in new[] { null, "wss://localhost" })
            {
                using (Pair pair = Begin(ServerSettings(), ClientSettings(), url))
                {
                    pair.Establish();
                    Echo(pair);
                    Check.Equal("TLSv1.3", pair.Server.GetConnectionText(
                        pair.ServerSide, ConnectionText.TlsVersion), "version");
                    Check.That(pair.Client.GetConnectionText(
                        pair.ClientSide, ConnectionText.TlsCipher).StartsWith("TLS_",
                            StringComparison.Ordinal), "cipher");
                    Check.Equal("localhost", pair.Server.GetConnectionText(
                        pair.ServerSide, ConnectionText.TlsServerName), "name");
                    Check.Equal(Pem("localhost.pem"), pair.Client.GetConnectionText(
                        pair.ClientSide, ConnectionText.TlsPeerCertificate), "certificate");
                }
            }
        }

        public static void WrongNamesAndUnknownIssuersAreRefusedInWords()
        {
            using (Pair pair = Begin(
                ServerSettings(), ClientSettings("elsewhere.example"), "wss://localhost"))
            {
                Refused(pair, "another host");
                pair.Until(() => pair.Server.GetStatistics().TlsFailures == 1, "it is counted");
            }
            NetworkSettings others = default(NetworkSettings).WithSecureClientParameters(
                Pem("player.pem"), string.Empty);
            using (Pair pair = Begin(ServerSettings(), others, "wss://localhost"))
                Refused(pair, "unknown issuer");
        }

        public static void ClientsCertificatesAreRequired()
        {
            NetworkSettings strict = default(NetworkSettings).WithSecureServerParameters(
                Pem("localhost.pem"), Pem("localhost.key"), Pem("ca.pem"), "player");
            using (Pair pair = Begin(strict, ClientSettings(), "wss://localhost"))
                Refused(pair, "certificate required");
            NetworkSettings player = default(NetworkSettings).WithSecureClientParameters(
                Pem("player.pem"), Pem("player.key"), Pem("ca.pem"), "localhost");
            using (Pair pair = Begin(strict, player, "wss://localhost"))
            {
                pair.Establish();
                Echo(pair);
                Check.Equal(Pem("player.pem"), pair.Server.GetConnectionText(
                    pair.ServerSide, ConnectionText.TlsPeerCertificate), "certificate");
            }
        }

        public static void UdpWithSecureParametersIsRefused()
        {
            foreach (NetworkSettings settings in new[] { ServerSettings(), ClientSettings() })
            {
                NetDriverException error = Check.Throws<NetDriverException>(
                    () => NetworkDriver.Create(new UDPNetworkInterface(), settings), "UDP");
                Check.Equal(StatusCode.NotSupported, error.Status, "status");
                using (NetworkDriver driver = NetworkDriver.Create(
                    new WebSocketNetworkInterface(), settings))
                {
                    Check.Status(StatusCode.NotSupported,
                        driver.AddInterface(new UDPNetworkInterface()), "one more");
                    Check.Equal(1, driver.AddInterface(new WebSocketNetworkInterface()), "number");
                }
            }
        }

        public static void OptionsOfOneConnectionAndOfOneInterface()
        {
            using (Pair pair = new Pair())
            {
                pair.Server = Pair.Listener(new WebSocketNetworkInterface());
                pair.Client = NetworkDriver.Create();
                TlsIdentity identity = new TlsIdentity(Pem("localhost.pem"), Pem("localhost.key"));
                Check.Equal(0, pair.Server.SetTlsServer(0, new TlsServerOptions(identity)), "set");
                string url = "wss://localhost:" + pair.Server.GetLocalEndpoint().Port + "/";
                ConnectOptions options = new ConnectOptions
                {
                    Tls = new TlsClientOptions
                    {
                        UseSystemRoots = false,
                        CACertificate = Pem("ca.pem"),
                        MinimumVersion = TlsVersion.Tls13,
                    },
                };
                pair.ClientSide = pair.Client.Connect(url, options);
                Check.That(pair.ClientSide.IsCreated, NetDriverLibrary.LastError);
                pair.Establish();
                Echo(pair);
                Check.Status(StatusCode.InvalidArgument, pair.Server.SetTlsServer(0,
                    new TlsServerOptions()), "no certificate");
                Check.Status(StatusCode.InvalidArgument, pair.Server.SetTlsServer(0,
                    new TlsServerOptions(new TlsIdentity(Pem("localhost.pem"),
                        Pem("player.key")))), "another's key");
                Check.That(NetDriverLibrary.LastError.Contains("key"), "in words");
                Check.Equal(0, pair.Server.SetTlsServer(0, null), "plain again");
                Check.Equal(0, pair.Client.SetTlsClient(1, null), "plain again");
            }
        }
    }
}
