using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>
    /// Messages of plain WebSocket connections beyond one call for one message.
    /// </summary>
    [Tests]
    internal static class MessageTests
    {
        private static byte[] Counted(int length)
        {
            byte[] bytes = new byte[length];
            for (int at = 0; at < length; at++)
                bytes[at] = (byte)(at * 7);
            return bytes;
        }

        private static void ExpectMessage(
            Pair pair, NetworkDriver driver, NetworkConnection connection, byte[] wanted)
        {
            DataStreamReader reader;
            pair.Expect(driver, NetworkEvent.Type.Data, connection, out reader);
            byte[] found = new byte[reader.Length];
            reader.ReadBytes(found);
            Check.Bytes(wanted, found, "message");
        }

        public static void FragmentsAreOneMessageAgainAndWhatWaitsIsCounted()
        {
            NetDriverParameter parameter = NetDriverParameter.Default;
            parameter.fragmentSize = 32767;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(parameter);
            using (Pair pair = Pair.Open(Road.WebSocketPlain, settings))
            {
                byte[] data = Counted(100000);
                Check.Equal(0, pair.Server.GetBufferedAmount(pair.ServerSide), "nothing waits");
                Check.Equal(0, pair.Server.Send(pair.ServerSide, data), "send");
                Check.Equal(100016, pair.Server.GetBufferedAmount(pair.ServerSide), "four frames");
                ExpectMessage(pair, pair.Client, pair.ClientSide, data);
                Check.Equal(0, pair.Server.GetBufferedAmount(pair.ServerSide), "it has left");
                Check.Status(StatusCode.NetworkIdMismatch,
                    pair.Server.GetBufferedAmount(default(NetworkConnection)), "no connection");
            }
        }

        public static void AMessageIsSentInPieces()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                NetworkDriver server = pair.Server;
                NetworkConnection to = pair.ServerSide;
                byte[] data = Counted(100000);
                Check.Status(StatusCode.NetworkStateMismatch, server.AppendMessage(to, data),
                    "nothing was begun");
                Check.Equal(0, server.BeginMessage(to), "begin");
                Check.Status(StatusCode.NetworkStateMismatch, server.BeginMessage(to), "twice");
                Check.Equal(0, server.AppendMessage(to, data, 0, 60000), "append");
                Check.Status(StatusCode.NetworkStateMismatch, server.Send(to, data), "between");
                pair.Step();
                Check.Equal(0, server.AppendMessage(to, data, 60000, 40000), "append again");
                Check.Equal(0, server.FinishMessage(to), "finish");
                ExpectMessage(pair, pair.Client, pair.ClientSide, data);
                Check.Equal(0, server.BeginMessage(to, true), "begin text");
                Check.Equal(0, server.AppendMessage(to, new byte[] { 0xe9 }), "half a character");
                Check.Status(StatusCode.InvalidArgument, server.FinishMessage(to), "not yet");
                Check.Equal(0, server.AppendMessage(to, new byte[] { 0x9b, 0xaa }), "the rest");
                Check.Equal(0, server.FinishMessage(to), "finish text");
                ExpectMessage(pair, pair.Client, pair.ClientSide,
                    new byte[] { 0xe9, 0x9b, 0xaa });
                Check.That(pair.Client.LastEvent.IsText, "text");
            }
            using (Pair pair = Pair.Open(Road.WebSocketUtp))
                Check.Status(StatusCode.InvalidArgument,
                    pair.Client.BeginMessage(pair.ClientSide), "UTP");
        }

        public static void AMessageIsReceivedInPieces()
        {
            NetDriverParameter parameter = NetDriverParameter.Default;
            parameter.fragmentEvents = true;
            parameter.webSocketMessageSizeMax = 1000;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(parameter);
            using (Pair pair = Pair.Open(Road.WebSocketPlain, settings))
            {
                byte[] data = Counted(100000);
                byte[] found = new byte[data.Length];
                int got = 0;
                bool last = false;
                Check.Equal(0, pair.Client.BeginMessage(pair.ClientSide), "begin");
                Check.Equal(0, pair.Client.AppendMessage(pair.ClientSide, data, 0, 40000),
                    "append");
                while (!last)
                {
                    DataStreamReader reader;
                    pair.Expect(pair.Server, NetworkEvent.Type.Fragment, pair.ServerSide,
                        out reader);
                    NetworkEventDetails details = pair.Server.LastEvent;
                    Check.Equal(got == 0, details.IsFirst, "first");
                    reader.ReadBytes(found, got, reader.Length);
                    got += reader.Length;
                    last = details.IsLast;
                    if (got != 40000 || last)
                        continue;
                    Check.Equal(0,
                        pair.Client.AppendMessage(pair.ClientSide, data, 40000, 60000), "more");
                    Check.Equal(0, pair.Client.FinishMessage(pair.ClientSide), "finish");
                }
                Check.Bytes(data, found, "all pieces");
                Check.Equal(0, pair.Client.Send(pair.ClientSide, Counted(1000)), "send");
                ExpectMessage(pair, pair.Server, pair.ServerSide, Counted(1000));
                Check.That(pair.Server.LastEvent.IsFirst && pair.Server.LastEvent.IsLast, "whole");
            }
        }

        private static int s_Released;

        private static void CountReleased(byte[] data, object user)
        {
            if (data.Length == (int)user)
                s_Released++;
        }

        public static void AnOwnedArrayIsReleasedOnce()
        {
            s_Released = 0;
            byte[] data = Counted(100000);
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                object length = data.Length;
                Check.Equal(0, pair.Server.SendOwned(
                    pair.ServerSide, data, CountReleased, length), "send");
                Check.Equal(0, s_Released, "it waits");
                ExpectMessage(pair, pair.Client, pair.ClientSide, data);
                Check.Equal(1, s_Released, "it has left");
                Check.Equal(0, pair.Client.SendOwned(
                    pair.ClientSide, data, CountReleased, length), "a client masks");
                Check.Equal(2, s_Released, "so it copies");
                ExpectMessage(pair, pair.Server, pair.ServerSide, data);
                Check.Status(StatusCode.NetworkIdMismatch, pair.Server.SendOwned(
                    default(NetworkConnection), data, CountReleased, length), "no connection");
                Check.Equal(2, s_Released, "not taken");
                Check.Equal(0, pair.Server.SendOwned(
                    pair.ServerSide, data, CountReleased, length), "for the end");
                Check.Equal(2, s_Released, "it waits again");
            }
            Check.Equal(3, s_Released, "a disposed driver holds nothing");
        }
    }
}
