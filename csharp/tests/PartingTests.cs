using System.Text;
using NetDriver.Error;

namespace NetDriver.Tests
{
    [Tests]
    internal static class PartingTests
    {
        private static NetworkSettings Settings(bool asks, bool sees)
        {
            NetDriverParameter limits = NetDriverParameter.Default;
            limits.closeRequestEvents = asks;
            limits.localCloseEvents = sees;
            return new NetworkSettings().WithNetDriverParameters(limits);
        }

        public static void ALocalCloseShowsWhatWasUnderWayAndHowItEnded()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain, Settings(false, true)))
            {
                Check.Equal(0, pair.Server.SendText(pair.ServerSide, "one"), "send");
                Check.Equal(0, pair.Server.SendText(pair.ServerSide, "two"), "send");
                pair.Until(() => pair.Client.GetEventQueueSizeForConnection(pair.ClientSide) == 2,
                    "both messages");
                DataStreamReader reader;
                // The second one is popped ahead, and must not be lost.
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                Check.Equal(0, pair.Client.Close(pair.ClientSide, 4000, "enough"), "close");
                Check.Equal(NetworkConnection.State.Disconnecting,
                    pair.ClientSide.GetState(pair.Client), "state");
                Check.Status(StatusCode.NetworkStateMismatch,
                    pair.Client.Send(pair.ClientSide, new byte[1]), "closed");
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
                Check.Equal((byte)DisconnectReason.Default, reader.ReadByte(), "reason");
                Check.Equal(4000, pair.Client.LastEvent.CloseCode, "code");
                Check.That(pair.Client.LastEvent.IsClean, "clean");
                pair.Expect(pair.Server, NetworkEvent.Type.Disconnect, pair.ServerSide, out reader);
                Check.Equal((byte)DisconnectReason.ClosedByRemote, reader.ReadByte(), "reason");
                Pair.Silent(pair.Client);
            }
        }

        public static void AnEndThatWaitsIsToldAlthoughTheProgramCloses()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain, Settings(false, true)))
            {
                Check.Equal(0, pair.Server.SendText(pair.ServerSide, "last words"), "send");
                Check.Equal(0, pair.Server.Close(pair.ServerSide, 4001, null), "close");
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                pair.Until(() => pair.Client.GetEventQueueSizeForConnection(pair.ClientSide) == 1,
                    "the end");
                Check.Equal(0, pair.Client.Disconnect(pair.ClientSide), "disconnect");
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
                Check.Equal(4001, pair.Client.LastEvent.CloseCode, "code");
            }
        }

        public static void ConnectionsWithoutAHandshakeEndSilently()
        {
            foreach (Road road in new[] { Road.Udp, Road.Ipc })
            {
                using (Pair pair = Pair.Open(road, Settings(true, true)))
                {
                    Check.Equal(0, pair.Client.Disconnect(pair.ClientSide), "disconnect");
                    DataStreamReader reader;
                    pair.Expect(
                        pair.Server, NetworkEvent.Type.Disconnect, pair.ServerSide, out reader);
                    Pair.Silent(pair.Client);
                }
            }
        }

        public static void ARequestToCloseLeavesTheLastWordToTheProgram()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain, Settings(true, true)))
            {
                Check.Equal(0, pair.Client.SendText(pair.ClientSide, "question"), "send");
                Check.Equal(0, pair.Client.Close(pair.ClientSide, 4100, "bye"), "close");
                DataStreamReader reader;
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                // Nothing is popped for a while: popping one event must not pop the request too.
                for (int frame = 0; frame < 10; frame++)
                    pair.Step();
                Check.Equal(NetworkConnection.State.Connected,
                    pair.ServerSide.GetState(pair.Server), "not asked yet");
                pair.Expect(
                    pair.Server, NetworkEvent.Type.CloseRequest, pair.ServerSide, out reader);
                Check.That(!reader.IsCreated, "nothing to read");
                Check.Equal(4100, pair.Server.LastEvent.CloseCode, "code");
                Check.Equal("bye", pair.Server.LastEvent.Text, "reason");
                Check.Equal(0, pair.Server.SendText(pair.ServerSide, "answer"), "send");
                pair.Expect(pair.Server, NetworkEvent.Type.Disconnect, pair.ServerSide, out reader);
                Check.Equal((byte)DisconnectReason.ClosedByRemote, reader.ReadByte(), "reason");
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                byte[] text = new byte[reader.Length];
                reader.ReadBytes(text);
                Check.Equal("answer", Encoding.UTF8.GetString(text), "the last word");
                pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
                Check.Equal(4100, pair.Client.LastEvent.CloseCode, "code");
            }
        }

        public static void AnAbortEndsWithoutAWord()
        {
            foreach (Road road in Pair.All)
            {
                using (Pair pair = Pair.Open(road, Settings(true, true)))
                {
                    Check.Equal(0, pair.Server.Send(pair.ServerSide, new byte[5]), "send");
                    pair.Until(
                        () => pair.Client.GetEventQueueSizeForConnection(pair.ClientSide) == 1,
                        "the message");
                    Check.Equal(0, pair.Client.Abort(pair.ClientSide), "abort over " + road);
                    Pair.Silent(pair.Client);
                    Check.Status(StatusCode.NetworkVersionMismatch,
                        pair.Client.Abort(pair.ClientSide), "stale");
                    Check.Equal(0U, pair.Client.GetStatistics().Connections, "gone");
                }
            }
            Check.Status(StatusCode.InvalidHandle,
                default(NetworkDriver).Abort(default(NetworkConnection)), "no driver");
        }
    }
}
