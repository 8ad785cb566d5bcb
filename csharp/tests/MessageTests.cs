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
    }
}
