using NetDriver.Error;

namespace NetDriver.Tests
{
    [Tests]
    internal static class AdmissionTests
    {
        public static void AServerStopsAndListensAgain()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                Check.Equal(0, pair.Server.StopListening(), "stop");
                Check.That(!pair.Server.Listening, "stopped");
                Check.Equal(0, pair.Server.Listen(), "listen");
                Check.That(pair.Server.Listening, "listens");
            }
        }

        public static void RefusingIsASwitch()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                Check.Equal(0, pair.Server.SetRefuseNewConnections(true), "refuse");
                string url = "ws://127.0.0.1:" + pair.Server.GetLocalEndpoint().Port + "/";
                NetworkConnection late = pair.Client.Connect(url);
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, late, out reader);
                Check.Equal(503, (int)pair.Client.LastEvent.CloseCode, "status");
                Check.Equal(0, pair.Server.SetRefuseNewConnections(false), "take");
                late = pair.Client.Connect(url);
                pair.Expect(pair.Client, NetworkEvent.Type.Connect, late, out reader);
            }
        }

        public static void SmallMessagesMayBeGatheredOnStreamsOnly()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                Check.Equal(0, pair.Server.SetNoDelay(pair.ServerSide, false), "gather");
                Check.Equal(0, pair.Server.SetNoDelay(pair.ServerSide, true), "at once");
            }
            using (Pair pair = Pair.Open(Road.Udp))
                Check.Status(StatusCode.NotSupported,
                    pair.Server.SetNoDelay(pair.ServerSide, false), "datagrams");
        }
    }
}
