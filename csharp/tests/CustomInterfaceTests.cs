using System;
using System.Collections.Generic;
using System.Threading;
using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>Interfaces that the program brings, and the simulator below them.</summary>
    [Tests]
    internal static class CustomInterfaceTests
    {
        private static NetworkEndpoint Address(byte name)
        {
            NetworkEndpoint endpoint = default(NetworkEndpoint);
            endpoint.SetRawAddressBytes(new[] { name }, NetworkFamily.Custom);
            return endpoint;
        }

        /// <summary>One of two ends; what it sends lies in the other's queue.</summary>
        private sealed class End : CustomNetworkInterface
        {
            internal End Other;
            internal readonly byte Name;
            internal readonly Queue<byte[]> Waiting = new Queue<byte[]>();
            internal int Room = int.MaxValue;
            internal int Listens;
            internal int Releases;
            internal int ReceiveResult;
            internal string Throws;
            internal bool Wakes;

            internal End(byte name)
            {
                Name = name;
            }

            internal void Call()
            {
                Wake();
            }

            protected internal override int Bind(
                NetworkEndpoint endpoint, out NetworkEndpoint local)
            {
                ThrowIn("Bind");
                local = Address(Name);
                return endpoint.IsValid && endpoint != local ? -1 : 0;
            }

            protected internal override int Listen()
            {
                ThrowIn("Listen");
                Listens++;
                return 0;
            }

            protected internal override int Receive(ref IncomingPackets packets)
            {
                ThrowIn("Receive");
                lock (Waiting)
                {
                    while (Waiting.Count > 0 && !packets.IsFull)
                    {
                        byte[] packet = Waiting.Dequeue();
                        packets.Add(Address(Other.Name), packet, 0, packet.Length);
                    }
                }
                return ReceiveResult;
            }

            protected internal override int Send(ref OutgoingPackets packets)
            {
                ThrowIn("Send");
                packets.Taken = Math.Min(Room, packets.Count);
                Room -= packets.Taken;
                for (int i = 0; i < packets.Taken; i++)
                {
                    if (packets.GetEndpoint(i) != Address(Other.Name))
                        continue;
                    byte[] packet = new byte[packets.GetLength(i)];
                    Check.Equal(packet.Length, packets.CopyTo(i, packet, 0), "length");
                    lock (Other.Waiting)
                        Other.Waiting.Enqueue(packet);
                }
                if (Wakes)
                    Other.Call();
                return 0;
            }

            protected internal override void Release()
            {
                Releases++;
            }

            private void ThrowIn(string method)
            {
                if (Throws == method)
                    throw new InvalidOperationException(method + " throws");
            }
        }

        private static Pair Begin(
            out End server, out End client, NetworkSettings settings = default(NetworkSettings))
        {
            server = new End(1);
            client = new End(2);
            server.Other = client;
            client.Other = server;
            Pair pair = new Pair();
            pair.Server = NetworkDriver.Create(server, settings);
            pair.Client = NetworkDriver.Create(client, settings);
            Check.Equal(0, pair.Server.Bind(Address(1)), "bind");
            Check.Equal(0, pair.Server.Listen(), "listen");
            return pair;
        }

        private static Pair Open(
            out End server, out End client, NetworkSettings settings = default(NetworkSettings))
        {
            Pair pair = Begin(out server, out client, settings);
            pair.ClientSide = pair.Client.Connect(Address(1), new byte[] { 7 });
            Check.That(pair.ClientSide.IsCreated, "connect: " + NetDriverLibrary.LastError);
            pair.Establish();
            DataStreamReader reader;
            pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
            return pair;
        }

        public static void ItConnectsAndCarriesMessages()
        {
            End server, client;
            using (Pair pair = Open(out server, out client))
            {
                DataStreamReader reader;
                int most = pair.Client.GetMaxSupportedPayloadSize(
                    pair.ClientSide, NetworkPipeline.Null);
                Check.Equal(1390, most, "longest message");
                foreach (int size in new[] { 0, 5, most })
                {
                    Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[size]), "send");
                    pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                    Check.Equal(size, reader.Length, "length");
                    Check.Equal(0, pair.Server.Send(pair.ServerSide, new byte[size]), "send");
                    pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                }
                Check.Equal(Address(2), pair.Server.GetRemoteEndpoint(pair.ServerSide), "remote");
                Check.Equal(Address(1), pair.Server.GetLocalEndpoint(), "local");
                Check.Equal(10, pair.Server.MaxHeaderSize(NetworkPipeline.Null), "header");
                Check.Equal(1, server.Listens, "listens");
                pair.Client.Disconnect(pair.ClientSide);
                pair.Expect(
                    pair.Server, NetworkEvent.Type.Disconnect, pair.ServerSide, out reader);
                Check.Equal(DisconnectReason.ClosedByRemote, pair.Server.LastEvent.Reason,
                    "reason");
            }
            Check.Equal(1, server.Releases, "released");
            Check.Equal(1, client.Releases, "released");
        }

        public static void WhatIsNotTakenWaits()
        {
            End server, client;
            using (Pair pair = Open(out server, out client, Pair.Stock))
            {
                client.Room = 100;
                for (int i = 0; i < 200; i++)
                    Check.Equal(0, pair.Client.Send(pair.ClientSide, new[] { (byte)i }), "send");
                pair.Client.ScheduleFlushSend().Complete();
                Check.Equal(0, client.Room, "room");
                client.Room = int.MaxValue;
                for (int i = 0; i < 200; i++)
                {
                    DataStreamReader reader;
                    pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                    Check.Equal((byte)i, reader.ReadByte(), "in order");
                }
            }
        }

        public static void ExceptionsAndFailuresAreStatusCodes()
        {
            End server, client;
            using (Pair pair = Open(out server, out client))
            {
                server.Throws = "Receive";
                pair.Server.ScheduleUpdate().Complete();
                Check.Status(StatusCode.NetworkSocketError, pair.Server.ReceiveErrorCode, "throws");
                Check.That(server.LastException is InvalidOperationException, "kept");
                Check.Equal("Receive throws", server.LastException.Message, "message");
                server.Throws = null;
                server.ReceiveResult = -5;
                pair.Server.ScheduleUpdate().Complete();
                Check.Status(StatusCode.NetworkSocketError, pair.Server.ReceiveErrorCode, "-5");
                Check.That(NetDriverLibrary.LastError.Contains("returned -5"),
                    NetDriverLibrary.LastError);
                server.ReceiveResult = 0;
                server.Throws = "Send";
                Check.Equal(0, pair.Server.Send(pair.ServerSide, new byte[3]), "send");
                pair.Server.ScheduleUpdate().Complete();
                Check.Status(StatusCode.NetworkSocketError, pair.Server.ReceiveErrorCode, "send");
                server.Throws = null;
                Check.Equal(0, pair.Server.Send(pair.ServerSide, new byte[4]), "send");
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                Check.Equal(4, reader.Length, "what was sent before is lost");
            }
            using (Pair pair = Begin(out server, out client))
            {
                client.Throws = "Bind";
                Check.That(!pair.Client.Connect(Address(1)).IsCreated, "no connection");
                server.Throws = "Listen";
                Check.Status(StatusCode.NetworkSocketError, pair.Server.Listen(), "listen");
            }
        }

        public static void AWakeEndsAWait()
        {
            End server, client;
            using (Pair pair = Open(out server, out client))
            {
                client.Wakes = true;
                NetworkDriver sender = pair.Client;
                NetworkConnection connection = pair.ClientSide;
                Thread thread = new Thread(() =>
                {
                    sender.Send(connection, new byte[] { 1 });
                    sender.ScheduleFlushSend().Complete();
                });
                thread.Start();
                // Without the waking this would take minutes.
                while (!pair.Server.Wait(600000))
                {
                }
                thread.Join();
                Check.Equal(0, pair.Server.Wake(), "wake");
                pair.Server.ScheduleUpdate().Complete();
                DataStreamReader reader;
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                Check.Equal(0, pair.Server.Wake(), "wake");
                Check.That(!pair.Server.Wait(600000), "nothing is there");
            }
            // A driver that is gone is not woken, and nothing breaks.
            server.Call();
        }

        private static int Arrivals(
            NetworkSimulatorParameter atServer, NetworkSimulatorParameter atClient, int size,
            int updates)
        {
            End server, client;
            NetworkSettings settings =
                Pair.Stock.WithNetworkConfigParameters(fixedFrameTimeMS: 10);
            using (Pair pair = Open(out server, out client, settings))
            {
                Check.Equal(0, pair.Server.ModifyNetworkSimulatorParameters(atServer), "server");
                Check.Equal(0, pair.Client.ModifyNetworkSimulatorParameters(atClient), "client");
                Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[size]), "send");
                int count = 0;
                for (int i = 0; i < updates; i++)
                {
                    pair.Client.ScheduleUpdate().Complete();
                    pair.Server.ScheduleUpdate().Complete();
                    NetworkConnection connection;
                    DataStreamReader reader;
                    while (pair.Server.PopEvent(out connection, out reader)
                        != NetworkEvent.Type.Empty)
                        count++;
                }
                return count;
            }
        }

        public static void EveryFieldOfTheSimulatorActs()
        {
            NetworkSimulatorParameter good = default(NetworkSimulatorParameter);
            Check.Equal(1, Arrivals(good, good, 400, 2), "a good network");
            NetworkSimulatorParameter bad = good;
            bad.ReceivePacketLossPercent = 100;
            Check.Equal(0, Arrivals(bad, good, 400, 20), "loss on arrival");
            bad = good;
            bad.SendPacketLossPercent = 100;
            Check.Equal(0, Arrivals(good, bad, 400, 20), "loss on leaving");
            bad = good;
            bad.SendDuplicatePercent = 100;
            Check.Equal(2, Arrivals(good, bad, 400, 20), "twice");
            bad = good;
            bad.SendDelayMS = 100;
            Check.Equal(0, Arrivals(good, bad, 400, 9), "late");
            Check.Equal(1, Arrivals(good, bad, 400, 12), "in the end");
            bad.SendJitterMS = 50;
            Check.Equal(0, Arrivals(good, bad, 400, 4), "late by half at least");
            Check.Equal(1, Arrivals(good, bad, 400, 17), "and by half more at most");
            bad = good;
            bad.ReceiveMtu = 300;
            Check.Equal(0, Arrivals(bad, good, 400, 20), "too long");
            Check.Equal(1, Arrivals(bad, good, 200, 20), "not too long");
        }
    }
}
