using System;

namespace NetDriver.Tests
{
    /// <summary>Extensions that a program brings.</summary>
    [Tests]
    internal static class ExtensionTests
    {
        public static void BothSidesAgreeAndMessagesGoThrough()
        {
            Xor server = new Xor();
            Xor client = new Xor();
            using (Pair pair = Begin(server, client))
            {
                pair.Establish();
                Check.Equal("x-xor; key=7",
                    pair.Server.GetConnectionText(pair.ServerSide, ConnectionText.Extensions),
                    "agreed");
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
                byte[] message = new byte[3000];
                for (int i = 0; i < message.Length; i++)
                    message[i] = (byte)(i * 31);
                Check.Equal(0, pair.Client.SendText(pair.ClientSide, "snö"), "send");
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                Check.That(pair.Server.LastEvent.IsText, "text");
                Check.Equal(4, reader.Length, "length");
                DataStreamWriter writer;
                Check.Equal(0, pair.Server.BeginSend(pair.ServerSide, out writer, message.Length),
                    "begin");
                Check.That(writer.WriteBytes(message), "write");
                Check.Equal(message.Length, pair.Server.EndSend(writer), "end");
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                byte[] echo = new byte[reader.Length];
                reader.ReadBytes(echo);
                Check.Equal(Convert.ToBase64String(message), Convert.ToBase64String(echo), "bytes");
            }
            Check.Equal(2, server.Frames, "frames of the server");
            Check.Equal(2, client.Frames, "frames of the client");
            Check.Equal(1, server.Released, "released by the server");
            Check.Equal(1, client.Released, "released by the client");
        }

        public static void ARequiredExtensionThatIsDeclinedIs1010()
        {
            using (Pair pair = Begin(new Xor { Key = 0 }, new Xor { IsRequired = true }))
                ExpectEnd(pair, pair.Client, pair.ClientSide, 1010);
        }

        public static void AnExceptionIs1010InTheHandshakeAnd1011Later()
        {
            using (Pair pair = Begin(new Xor(), new Xor { ThrowsInConfirm = true }))
                ExpectEnd(pair, pair.Client, pair.ClientSide, 1010);
            using (Pair pair = Begin(new Xor { ThrowsInDecode = true }, new Xor()))
            {
                pair.Establish();
                Check.Equal(0, pair.Client.SendText(pair.ClientSide, "hi"), "send");
                ExpectEnd(pair, pair.Server, pair.ServerSide, 1011);
            }
        }

        public static void WhatCannotBeIsRefused()
        {
            NetworkDriver driver = NetworkDriver.Create(new UDPNetworkInterface());
            int invalid = (int)Error.StatusCode.InvalidArgument;
            Check.Equal(invalid, driver.AddExtension(0, new Xor()), "UDP");
            int index = driver.AddInterface(new WebSocketNetworkInterface());
            Check.Equal(0, driver.AddExtension(index, new Xor()), "WebSocket");
            Check.Equal(invalid, driver.AddExtension(index, new Xor()), "twice");
            Check.Throws<ArgumentNullException>(() => driver.AddExtension(index, null),
                "null");
            driver.Dispose();
            Check.Equal((int)Error.StatusCode.InvalidHandle, driver.AddExtension(index, new Xor()),
                "disposed");
        }

        private static Pair Begin(Xor server, Xor client)
        {
            Pair pair = new Pair();
            pair.Server = Pair.Listener(Pair.Interface(Road.WebSocketPlain));
            pair.Client = NetworkDriver.Create(Pair.Interface(Road.WebSocketPlain));
            Check.Equal(0, pair.Server.AddExtension(0, server), "add to the server");
            Check.Equal(0, pair.Client.AddExtension(0, client), "add to the client");
            pair.ClientSide = pair.Client.Connect(Pair.Url(pair.Server));
            return pair;
        }

        private static void ExpectEnd(
            Pair pair, NetworkDriver driver, NetworkConnection connection, int code)
        {
            DataStreamReader reader;
            pair.Expect(driver, NetworkEvent.Type.Disconnect, connection, out reader);
            Check.Equal(code, (int)driver.LastEvent.CloseCode, "close code");
        }

        /// <summary>XORs each byte with a key that both sides name.</summary>
        private sealed class Xor : IWebSocketExtension, IWebSocketExtensionSession
        {
            internal int Key = 7;
            internal bool ThrowsInConfirm;
            internal bool ThrowsInDecode;
            internal int Frames;
            internal int Released;

            public string Name
            {
                get { return "x-xor"; }
            }

            public string Offer
            {
                get { return "key=7"; }
            }

            public int ReservedBits
            {
                get { return 2; }
            }

            public bool IsRequired { get; set; }

            public IWebSocketExtensionSession Accept(string offer, out string answer)
            {
                answer = "key=" + Key;
                return offer == answer ? this : null;
            }

            public IWebSocketExtensionSession Confirm(string answer)
            {
                if (ThrowsInConfirm)
                    throw new InvalidOperationException();
                return answer == "key=" + Key ? this : null;
            }

            public int Encode(ref WebSocketFrame frame)
            {
                frame.ReservedBits = 2;
                return Turn(ref frame);
            }

            public int Decode(ref WebSocketFrame frame)
            {
                if (ThrowsInDecode)
                    throw new InvalidOperationException();
                return frame.ReservedBits == 2 ? Turn(ref frame) : 1002;
            }

            public void Release()
            {
                Released++;
            }

            private int Turn(ref WebSocketFrame frame)
            {
                Frames++;
                byte[] bytes = new byte[frame.Length];
                for (int i = 0; i < bytes.Length; i++)
                    bytes[i] = (byte)(frame[i] ^ Key);
                return frame.Write(bytes, 0, bytes.Length) == 0 ? 0 : 1009;
            }
        }
    }
}
