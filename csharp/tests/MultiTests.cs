using System;
using System.Collections.Generic;
using System.Diagnostics;
using NetDriver.Error;
using NetDriver.Interop;

namespace NetDriver.Tests
{
    /// <summary>Several drivers as one.</summary>
    [Tests]
    internal static class MultiTests
    {
        private static readonly Road[] s_Roads = { Road.Ipc, Road.Udp, Road.WebSocketUtp };

        private static MultiNetworkDriver Server()
        {
            MultiNetworkDriver multi = MultiNetworkDriver.Create();
            for (int i = 0; i < s_Roads.Length; i++)
                Check.Equal(i + 1, multi.AddDriver(Pair.Listener(Pair.Interface(s_Roads[i]))),
                    "number");
            Check.Equal(s_Roads.Length, multi.DriverCount, "count");
            return multi;
        }

        private static void Until(MultiNetworkDriver one, MultiNetworkDriver other,
            Func<bool> condition, string what)
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (!condition())
            {
                Check.That(watch.ElapsedMilliseconds < 60000, "in time: " + what);
                one.ScheduleUpdate().Complete();
                other.ScheduleUpdate().Complete();
                System.Threading.Thread.Sleep(0);
            }
        }

        public static void OneLoopServesAllDrivers()
        {
            using (MultiNetworkDriver server = Server())
            using (MultiNetworkDriver client = MultiNetworkDriver.Create())
            {
                List<NetworkConnection> incoming = new List<NetworkConnection>();
                NetworkConnection[] outgoing = new NetworkConnection[s_Roads.Length];
                for (int i = 0; i < s_Roads.Length; i++)
                {
                    int id = client.AddDriver(NetworkDriver.Create(Pair.Interface(s_Roads[i])));
                    NetworkEndpoint endpoint = server.GetDriver(id).GetLocalEndpoint();
                    // By name where there are names.
                    outgoing[i] = s_Roads[i] == Road.Udp
                        ? client.Connect(id, "127.0.0.1", endpoint.Port, new byte[] { (byte)id })
                        : client.Connect(id, endpoint, new byte[] { (byte)id });
                    Check.Equal(id, outgoing[i].DriverId, "whose it is");
                    Check.Equal(1, outgoing[i].Version, "version");
                }
                Until(server, client, () =>
                {
                    byte[] payload;
                    NetworkConnection connection = server.Accept(out payload);
                    if (connection.IsCreated)
                    {
                        Check.Equal(connection.DriverId, (int)payload[0], "payload");
                        incoming.Add(connection);
                    }
                    return incoming.Count == s_Roads.Length;
                }, "three connections");
                NetworkConnection of;
                DataStreamReader reader;
                int events = 0;
                Until(client, server, () =>
                {
                    NetworkEvent.Type kind = client.PopEvent(out of, out reader);
                    if (kind == NetworkEvent.Type.Connect)
                        events += of.DriverId;
                    return events == 6;
                }, "three Connect events");
                foreach (NetworkConnection connection in outgoing)
                    Say(client, connection);
                client.ScheduleFlushSend().Complete();
                foreach (NetworkConnection connection in incoming)
                    Hear(server, client, connection);
                foreach (NetworkConnection connection in incoming)
                    server.Disconnect(connection);
                events = 0;
                Until(client, server, () =>
                {
                    if (client.PopEvent(out of, out reader) == NetworkEvent.Type.Disconnect)
                        events += of.DriverId;
                    return events == 6;
                }, "three ends");
                foreach (NetworkConnection connection in outgoing)
                    Check.Equal(NetworkConnection.State.Disconnected,
                        client.GetConnectionState(connection), "state");
            }
        }

        private static void Say(MultiNetworkDriver client, NetworkConnection connection)
        {
            Check.Equal(NetworkConnection.State.Connected, client.GetConnectionState(connection),
                "state");
            Check.That(
                client.GetMaxSupportedPayloadSize(connection, NetworkPipeline.Null) > 1000, "room");
            MultiNetworkDriver.Concurrent beside = client.ToConcurrent();
            Check.Equal(client.GetMaxSupportedPayloadSize(connection, NetworkPipeline.Null),
                beside.GetMaxSupportedPayloadSize(connection, NetworkPipeline.Null), "room");
            Check.That(client.GetMaxSupportedMessageSize(connection) > 1000, "packets");
            Check.Equal(client.GetMaxSupportedMessageSize(connection),
                beside.GetMaxSupportedMessageSize(connection), "packets");
            Check.That(client.GetRemoteEndpoint(connection).IsValid, "an address");
            DataStreamWriter writer;
            Check.Equal(0, client.BeginSend(connection, out writer), "begin");
            writer.WriteInt(connection.DriverId);
            Check.Equal(4, client.EndSend(writer), "end");
            Check.Status(StatusCode.NetworkSendHandleInvalid, client.EndSend(writer), "twice");
            Check.Equal(0, client.BeginSend(connection, out writer, 9), "begin");
            Check.Equal(0, client.AbortSend(writer), "abort");
        }

        private static void Hear(
            MultiNetworkDriver server, MultiNetworkDriver client, NetworkConnection connection)
        {
            DataStreamReader reader = default(DataStreamReader);
            NetworkEvent.Type kind = NetworkEvent.Type.Empty;
            Until(server, client, () =>
            {
                bool waits = server.GetEventQueueSizeForConnection(connection) > 0;
                kind = server.PopEventForConnection(connection, out reader);
                Check.Equal(waits, kind != NetworkEvent.Type.Empty, "queue");
                return kind != NetworkEvent.Type.Empty;
            }, "a message");
            Check.Equal(NetworkEvent.Type.Data, kind, "kind");
            Check.Equal(connection.DriverId, reader.ReadInt(), "message");
            ConnectionInfo info;
            NetworkDriver driver = server.GetDriverForConnection(connection);
            Check.Equal(0, driver.GetConnectionInfo(connection, out info), "the driver's own call");
            Check.Equal(1UL, info.MessagesIn, "messages");
        }

        public static void AMessageOfAnyDriverEndsTheWait()
        {
            using (MultiNetworkDriver server = Server())
            using (MultiNetworkDriver client = MultiNetworkDriver.Create())
            {
                int id = client.AddDriver(NetworkDriver.Create(Pair.Interface(s_Roads[0])));
                NetworkConnection outgoing = client.Connect(
                    id, server.GetDriver(id).GetLocalEndpoint());
                NetworkConnection incoming = default(NetworkConnection);
                Until(server, client, () => (incoming = server.Accept()).IsCreated
                    && client.GetConnectionState(outgoing) == NetworkConnection.State.Connected,
                    "a connection");
                Check.That(!server.Wait(5), "nothing comes");
                Check.Equal(0, client.Send(outgoing, new byte[] { 1, 2 }), "send");
                client.ScheduleFlushSend().Complete();
                Check.That(server.Wait(20000), "a message");
                server.ScheduleUpdate().Complete();
                DataStreamReader reader;
                Check.Equal(NetworkEvent.Type.Data,
                    server.PopEventForConnection(incoming, out reader), "event");
                Check.Equal(2, reader.Length, "bytes");
                server.GetDriver(3).Wake();
                Check.That(!server.Wait(20000), "woken, and there is nothing");
                Check.Status(StatusCode.NetworkIdMismatch,
                    client.Send(default(NetworkConnection), new byte[1]), "to nobody");
            }
            MultiNetworkDriver none = default(MultiNetworkDriver);
            Check.That(!none.Wait(20000), "never created");
            Check.Status(StatusCode.InvalidHandle,
                none.Send(default(NetworkConnection), new byte[1]), "never created");
        }

        public static void APipelineIsMadeInAllDrivers()
        {
            using (MultiNetworkDriver multi = Server())
            {
                NetworkPipeline pipeline = multi.CreatePipeline(
                    typeof(FragmentationPipelineStage), typeof(ReliableSequencedPipelineStage));
                Check.That(pipeline != NetworkPipeline.Null, "a pipeline");
                NetworkPipelineStage[] none = new NetworkPipelineStage[0];
                Check.That(multi.CreatePipeline(none) != pipeline, "another");
                using (NetworkDriver bare = NetworkDriver.Create(new IPCNetworkInterface()))
                    Check.Throws<ArgumentException>(() => multi.AddDriver(bare), "without");
                multi.GetDriver(2).CreatePipeline(new NetworkPipelineStage[0]);
                Check.Throws<InvalidOperationException>(
                    () => multi.CreatePipeline(new NetworkPipelineStage[0]), "not alike");
            }
        }

        public static void APipelineThatOneDriverCannotMakeIsMadeInNone()
        {
            using (MultiNetworkDriver multi = MultiNetworkDriver.Create())
            {
                for (int i = 0; i < 2; i++)
                    multi.AddDriver(NetworkDriver.Create(new IPCNetworkInterface()));
                multi.GetDriver(1).RegisterPipelineStage(new Passing());
                Check.Throws<NetDriverException>(() => multi.CreatePipeline(typeof(Passing)),
                    "the second one does not know it");
                Check.Equal(0, multi.GetDriver(1).PipelineCount, "nothing was made");
                NetworkPipelineStage[] stages = { NetworkPipelineStage.Of(typeof(Passing)) };
                Check.Equal(0, multi.GetDriver(1).CheckPipeline(stages), "it could be");
                Check.Status(StatusCode.InvalidArgument, multi.GetDriver(2).CheckPipeline(stages),
                    "an unknown stage");
                Check.Equal(0, multi.GetDriver(1).PipelineCount, "asking makes nothing");
                multi.GetDriver(2).CreatePipeline(typeof(NullPipelineStage));
                Check.Throws<InvalidOperationException>(
                    () => multi.CreatePipeline(typeof(NullPipelineStage)), "not alike");
                Check.Equal(0, multi.GetDriver(1).PipelineCount, "nothing was made");
                Check.Equal(1, multi.GetDriver(2).PipelineCount, "as before");
            }
        }

        private sealed class Passing : INetworkPipelineStage, INetworkPipelineStageState
        {
            public int HeaderCapacity
            {
                get { return 0; }
            }

            public int PayloadCapacity
            {
                get { return 0; }
            }

            public INetworkPipelineStageState CreateState(ulong seed)
            {
                return this;
            }

            public int Send(ref NetworkPipelineStageCall call)
            {
                return call.Forward();
            }

            public int Receive(ref NetworkPipelineStageCall call)
            {
                return call.Forward();
            }

            public void Timeout(ref NetworkPipelineStageCall call)
            {
            }

            public void Release()
            {
            }
        }

        public static void AStageIsRegisteredInAllDrivers()
        {
            using (MultiNetworkDriver multi = MultiNetworkDriver.Create())
            {
                for (int i = 0; i < 2; i++)
                    multi.AddDriver(NetworkDriver.Create(new IPCNetworkInterface()));
                multi.RegisterPipelineStage(new Passing());
                NetworkPipelineStageId[] stages = { NetworkPipelineStageId.Get<Passing>() };
                Check.That(multi.CreatePipeline(stages) != NetworkPipeline.Null, "a pipeline");
                Check.Throws<NetDriverException>(
                    () => multi.RegisterPipelineStage(new Passing()), "twice");
            }
        }

        public static void ADriverWithAnIncompleteJobIsKept()
        {
            NetDriverParameter nobody = NetDriverParameter.Default;
            nobody.jobWorkers = 0;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(nobody);
            MultiNetworkDriver multi = MultiNetworkDriver.Create();
            multi.AddDriver(NetworkDriver.Create(new IPCNetworkInterface()));
            multi.AddDriver(Pair.Listener(new UDPNetworkInterface(), settings));
            NetworkDriver busy = multi.GetDriver(2);
            NetworkEndpoint endpoint = busy.GetLocalEndpoint();
            JobHandle update = busy.ScheduleUpdate();
            using (NetworkDriver third = NetworkDriver.Create(new IPCNetworkInterface()))
                Check.Throws<InvalidOperationException>(() => multi.AddDriver(third), "in use");
            Check.Throws<InvalidOperationException>(() => multi.Dispose(), "in use");
            Check.That(multi.IsCreated && busy.IsCreated, "there is it still");
            Check.Equal(2, multi.DriverCount, "both numbers");
            Check.That(!multi.GetDriver(1).IsCreated, "the other one is disposed");
            Check.Equal(0, update.Complete(), "its job");
            Check.That(multi.GetDriver(2).Listening, "it goes on");
            multi.Dispose();
            Check.That(!multi.IsCreated && !busy.IsCreated, "disposed");
            // Its socket is closed: another one takes the port.
            using (NetworkDriver next = NetworkDriver.Create(new UDPNetworkInterface()))
                Check.Equal(0, next.Bind(endpoint), "bind");
        }

        public static void OfSeveralThreadsOneDisposes()
        {
            for (int round = 0; round < 200; round++)
            {
                MultiNetworkDriver multi = MultiNetworkDriver.Create();
                Threads(3, () => multi.Dispose());
                Check.That(!multi.IsCreated, "disposed");
                // A block that was given back twice would be that of both.
                using (MultiNetworkDriver one = MultiNetworkDriver.Create())
                using (MultiNetworkDriver other = MultiNetworkDriver.Create())
                {
                    one.AddDriver(NetworkDriver.Create(new IPCNetworkInterface()));
                    Check.That(one.IsCreated && other.IsCreated, "two of them");
                    Check.Equal(0, other.DriverCount, "each has its own block");
                }
            }
        }

        public static unsafe void ABlockIsTakenFromItsCollectionOnce()
        {
            nd_multi_driver* first = (nd_multi_driver*)0x1000;
            nd_multi_driver* next = (nd_multi_driver*)0x2000;
            MultiBlock* block = MultiBlock.Take(first);
            Check.That(block->TakeFrom(first), "who comes first");
            Check.That(!block->TakeFrom(first), "who comes second");
            Check.That(!block->TakeFrom(null), "no collection");
            block->GiveBack(first);
            Check.That(block->TakeFrom(first), "once more");
            MultiBlock.Return(block);
            Check.That(MultiBlock.Take(next) == block, "it is the next one's");
            Check.That(!block->TakeFrom(first), "who comes late");
            Check.That(block->Native == next, "untouched");
            Check.That(block->TakeFrom(next), "the next one");
            MultiBlock.Return(block);
        }

        private static void Threads(int count, System.Threading.ThreadStart body)
        {
            System.Threading.Thread[] threads = new System.Threading.Thread[count];
            for (int i = 0; i < count; i++)
                threads[i] = new System.Threading.Thread(body);
            foreach (System.Threading.Thread thread in threads)
                thread.Start();
            foreach (System.Threading.Thread thread in threads)
                thread.Join();
        }

        public static void MisuseIsAnError()
        {
            MultiNetworkDriver multi = Server();
            Check.Throws<ArgumentException>(() => multi.GetDriver(0), "number 0");
            Check.Throws<ArgumentException>(() => multi.GetDriver(4), "number 4");
            Check.Throws<ArgumentException>(
                () => multi.GetDriverForConnection(default(NetworkConnection)), "no connection");
            Check.Throws<ArgumentException>(
                () => multi.AddDriver(multi.GetDriver(1)), "twice");
            Check.Throws<ArgumentException>(
                () => multi.AddDriver(default(NetworkDriver)), "not created");
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                Check.Throws<ArgumentException>(
                    () => multi.AddDriver(pair.Server), "with a connection");
                DataStreamWriter writer;
                Check.Status(StatusCode.NetworkIdMismatch,
                    multi.BeginSend(pair.ServerSide, out writer), "another driver's connection");
                Check.Equal(0, pair.Server.BeginSend(pair.ServerSide, out writer), "begin");
                Check.Status(StatusCode.NetworkSendHandleInvalid, multi.EndSend(writer),
                    "another driver's writer");
                pair.Server.AbortSend(writer);
                multi.Disconnect(pair.ServerSide);
                Check.Equal(NetworkConnection.State.Connected,
                    pair.Server.GetConnectionState(pair.ServerSide), "still there");
            }
            NetworkDriver first = multi.GetDriver(1);
            multi.Dispose();
            multi.Dispose();
            Check.That(!multi.IsCreated && !first.IsCreated, "disposed with its drivers");
            Check.Equal(0, multi.DriverCount, "no drivers");
            Check.That(!multi.Accept().IsCreated, "nobody");
            Check.Throws<ObjectDisposedException>(() => multi.AddDriver(first), "disposed");
            Check.That(!default(MultiNetworkDriver).IsCreated, "never created");
        }
    }
}
