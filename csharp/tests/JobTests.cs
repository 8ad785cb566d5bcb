using System;
using System.Collections.Generic;
using System.Threading;
using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>Updates, flushes and the program's own work as jobs.</summary>
    [Tests]
    internal static class JobTests
    {
        private const int Clients = 8;
        private const int Frames = 3000;

        /// <summary>Adds a letter to a text.</summary>
        private sealed class Write : INetworkJob
        {
            internal string Letter;
            internal List<string> Text;

            public void Execute()
            {
                Text.Add(Letter);
            }
        }

        private sealed class Throw : INetworkJob
        {
            public void Execute()
            {
                throw new InvalidOperationException("a wall was in the way");
            }
        }

        private sealed class AcceptAll : INetworkJob
        {
            internal NetworkDriver Driver;
            internal int Accepted;

            public void Execute()
            {
                while (Driver.Accept().IsCreated)
                    Accepted++;
            }
        }

        private sealed class Echo : INetworkJobForEachConnection
        {
            internal int Failures;

            public void Execute(NetworkDriver.Concurrent driver, NetworkConnection connection)
            {
                DataStreamReader reader;
                NetworkEvent.Type kind;
                while ((kind = driver.PopEventForConnection(connection, out reader))
                    != NetworkEvent.Type.Empty)
                {
                    DataStreamWriter writer;
                    if (kind != NetworkEvent.Type.Data)
                        continue;
                    if (driver.BeginSend(NetworkPipeline.Null, connection, out writer) != 0
                        || !writer.WriteInt(reader.ReadInt()) || driver.EndSend(writer) < 0)
                        Interlocked.Increment(ref Failures);
                }
            }
        }

        private sealed class ThrowForEach : INetworkJobForEachConnection
        {
            internal int Calls;

            public void Execute(NetworkDriver.Concurrent driver, NetworkConnection connection)
            {
                Interlocked.Increment(ref Calls);
                throw new InvalidOperationException("nobody is at home");
            }
        }

        private static NetworkSettings Workers(uint count)
        {
            NetDriverParameter parameter = NetDriverParameter.Default;
            parameter.jobWorkers = count;
            return new NetworkSettings().WithNetDriverParameters(parameter);
        }

        private static NetworkDriver Driver(uint workers)
        {
            return NetworkDriver.Create(new IPCNetworkInterface(), Workers(workers));
        }

        public static void ADriverIsItsJobsAloneUntilTheyAreCompleted()
        {
            using (Pair pair = Pair.Open(Road.Ipc, Workers(0)))
            {
                JobHandle update = pair.Server.ScheduleUpdate();
                JobHandle flush = pair.Server.ScheduleFlushSend(update);
                Check.That(!update.IsCompleted && !flush.IsCompleted, "nobody runs them");
                Check.Status(StatusCode.DriverInUse, pair.Server.Send(pair.ServerSide, new byte[1]),
                    "send");
                Check.Status(StatusCode.DriverInUse, pair.Server.Disconnect(pair.ServerSide),
                    "disconnect");
                pair.Server.Dispose();
                Check.That(pair.Server.IsCreated, "not disposed");
                Check.Equal(0, update.Complete(), "update");
                Check.That(!flush.IsCompleted, "the flush is to come");
                Check.Equal(0, flush.Complete(), "flush");
                Check.Equal(0, flush.Complete(), "again");
                Check.Equal(0, pair.Server.Send(pair.ServerSide, new byte[1]), "send afterwards");
            }
        }

        public static void JobsRunInTheOrderInWhichTheyWereScheduled()
        {
            foreach (uint workers in new uint[] { 0, 1, 3 })
            {
                List<string> text = new List<string>();
                using (NetworkDriver driver = Driver(workers))
                {
                    JobHandle last = default(JobHandle);
                    foreach (string letter in new[] { "j", "o", "b", "s" })
                        last = driver.ScheduleJob(new Write { Letter = letter, Text = text }, last);
                    Check.Equal(0, last.Complete(), "result");
                    Check.Equal("jobs", string.Concat(text), "order with " + workers);
                    Check.That(last.IsCompleted, "completed");
                }
            }
        }

        public static void WhatIsThrownIsTheResultOfAllThatComesAfter()
        {
            string line = null;
            NetDriverLog.SetCallback(NetDriverLogLevel.Error, (level, text) => line = line ?? text);
            try
            {
                using (NetworkDriver driver = Driver(1))
                {
                    JobHandle failed = driver.ScheduleJob(new Throw());
                    JobHandle after = driver.ScheduleUpdate(failed);
                    JobHandle apart = driver.ScheduleFlushSend();
                    Check.Status(StatusCode.JobFailed, after.Complete(), "after it");
                    Check.Status(StatusCode.JobFailed, failed.Complete(), "itself");
                    Check.Equal(0, apart.Complete(), "has nothing to do with it");
                    Check.Equal(0, driver.ReceiveErrorCode, "the update was good");
                    Check.Status(StatusCode.JobFailed,
                        JobHandle.CombineDependencies(apart, failed).Complete(), "combined");
                }
            }
            finally
            {
                NetDriverLog.SetCallback(NetDriverLogLevel.None, null);
            }
            Check.That(line != null && line.Contains("a wall was in the way"), "log: " + line);
        }

        public static void HandlesAreCombined()
        {
            List<string> text = new List<string>();
            using (NetworkDriver left = Driver(0))
            using (NetworkDriver right = Driver(0))
            {
                JobHandle one = left.ScheduleJob(new Write { Letter = "a", Text = text });
                JobHandle two = right.ScheduleJob(new Write { Letter = "b", Text = text });
                JobHandle both = JobHandle.CombineDependencies(one, two);
                JobHandle all = JobHandle.CombineDependencies(both, default(JobHandle), one);
                Check.That(!all.IsCompleted, "nothing has run");
                JobHandle last = left.ScheduleUpdate(all);
                Check.Equal(0, last.Complete(), "result");
                Check.Equal(2, text.Count, "both have run");
                Check.That(all.IsCompleted && both.IsCompleted, "completed");
                JobHandle.CompleteAll(ref one, ref two);
                Check.That(default(JobHandle).IsCompleted, "none");
                Check.Equal(0, default(JobHandle).Complete(), "none");
            }
        }

        public static void WhatCannotBeScheduledHasFailed()
        {
            NetworkDriver driver = Driver(1);
            driver.Dispose();
            Check.Status(StatusCode.InvalidHandle, driver.ScheduleUpdate().Complete(), "update");
            Check.Status(StatusCode.InvalidHandle, driver.ScheduleFlushSend().Complete(), "flush");
            Check.Status(StatusCode.InvalidHandle,
                driver.ScheduleJob(new Throw()).Complete(), "job");
            Check.Status(StatusCode.InvalidHandle,
                driver.ScheduleForEachConnection(new Echo()).Complete(), "for each");
            Check.Status(StatusCode.InvalidHandle, driver.SetJobScheduler(null), "scheduler");
            Check.Status(StatusCode.InvalidHandle,
                default(NetworkDriver).ScheduleUpdate().Complete(), "no driver");
            Check.Throws<ArgumentNullException>(() => driver.ScheduleJob(null), "no job");
            Check.Throws<ArgumentOutOfRangeException>(
                () => driver.ScheduleForEachConnection(new Echo(), 65), "batch");
            Check.Throws<NetDriverException>(() => Driver(65), "workers");
        }

        private sealed class Server : IDisposable
        {
            private readonly Echo m_Echo = new Echo();
            private readonly AcceptAll m_Accept = new AcceptAll();
            internal NetworkDriver Driver;

            internal Server(uint workers)
            {
                Driver = Pair.Listener(new IPCNetworkInterface(), Workers(workers));
                m_Accept.Driver = Driver;
            }

            internal int Accepted
            {
                get { return m_Accept.Accepted; }
            }

            internal int Failures
            {
                get { return m_Echo.Failures; }
            }

            internal JobHandle ScheduleFrame()
            {
                JobHandle job = Driver.ScheduleUpdate();
                job = Driver.ScheduleJob(m_Accept, job);
                job = Driver.ScheduleForEachConnection(m_Echo, 1, job);
                return Driver.ScheduleFlushSend(job);
            }

            public void Dispose()
            {
                Driver.Dispose();
            }
        }

        public static void AServerOfJobsEchoes()
        {
            foreach (uint workers in new uint[] { 0, 1, 3 })
            {
                using (Server server = new Server(workers))
                using (NetworkDriver client = NetworkDriver.Create(new IPCNetworkInterface()))
                {
                    for (int i = 0; i < Clients; i++)
                        client.Connect(server.Driver.GetLocalEndpoint());
                    int echoed = 0;
                    for (int frame = 0; frame < 20000 && echoed < Clients; frame++)
                    {
                        JobHandle job = server.ScheduleFrame();
                        echoed += Play(client);
                        Check.Equal(0, job.Complete(), "frame");
                    }
                    Check.Equal(Clients, echoed, "echoes with " + workers);
                    Check.Equal(Clients, server.Accepted, "accepted");
                    Check.Equal(0, server.Failures, "failures");
                }
            }
        }

        private static int Play(NetworkDriver client)
        {
            NetworkConnection connection;
            DataStreamReader reader;
            NetworkEvent.Type kind;
            int echoed = 0;
            client.ScheduleUpdate().Complete();
            while ((kind = client.PopEvent(out connection, out reader)) != NetworkEvent.Type.Empty)
            {
                DataStreamWriter writer;
                if (kind == NetworkEvent.Type.Connect)
                {
                    client.BeginSend(NetworkPipeline.Null, connection, out writer);
                    writer.WriteInt(4711);
                    client.EndSend(writer);
                }
                else if (kind == NetworkEvent.Type.Data)
                {
                    Check.Equal(4711, reader.ReadInt(), "echo");
                    echoed++;
                }
            }
            client.ScheduleFlushSend().Complete();
            return echoed;
        }

        private sealed class Read : INetworkJob
        {
            internal DataStreamReader Reader;
            internal int Found;

            public void Execute()
            {
                Found = Reader.ReadInt();
            }
        }

        public static void AReaderGoesIntoAJob()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                DataStreamWriter writer;
                pair.Client.BeginSend(NetworkPipeline.Null, pair.ClientSide, out writer);
                writer.WriteInt(4711);
                pair.Client.EndSend(writer);
                Read read = new Read();
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out read.Reader);
                Check.Equal(0, pair.Server.ScheduleJob(read).Complete(), "job");
                Check.Equal(4711, read.Found, "what it read");
            }
        }

        public static void EveryConnectionHasItsTurnWhateverIsThrown()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                ThrowForEach body = new ThrowForEach();
                Check.Status(StatusCode.JobFailed,
                    pair.Server.ScheduleForEachConnection(body).Complete(), "result");
                Check.Equal(1, body.Calls, "calls");
                Check.Equal(0, pair.Server.ScheduleUpdate().Complete(), "goes on");
            }
        }

        /// <summary>Runs what it is given when it is told to.</summary>
        private sealed class Engine : NetworkJobScheduler
        {
            internal readonly Queue<ulong> Given = new Queue<ulong>();

            public override int Parallelism
            {
                get { return 1; }
            }

            public override ulong Schedule(ulong job)
            {
                Given.Enqueue(job);
                return 0;
            }
        }

        public static void AnEngineRunsJobs()
        {
            using (NetworkDriver driver = Driver(1))
            {
                Engine engine = new Engine();
                List<string> text = new List<string>();
                Check.Equal(0, driver.SetJobScheduler(engine), "set");
                JobHandle first = driver.ScheduleJob(new Write { Letter = "a", Text = text });
                JobHandle second = driver.ScheduleJob(new Write { Letter = "b", Text = text });
                Check.Status(StatusCode.DriverInUse, driver.SetJobScheduler(null), "busy");
                Check.Equal(1, engine.Given.Count, "the second waits for the first");
                NetworkJobScheduler.Run(engine.Given.Dequeue());
                Check.That(first.IsCompleted && !second.IsCompleted, "one has run");
                Check.Equal(1, engine.Given.Count, "now the second");
                Check.Equal(0, second.Complete(), "who waits runs it");
                NetworkJobScheduler.Run(engine.Given.Dequeue());
                Check.Equal("ab", string.Concat(text), "each ran once");
                Check.Equal(0, driver.SetJobScheduler(null), "not any more");
            }
        }

        /// <summary>An interface that completes a job of its own driver, once, when it is asked
        /// for packets: inside of a call on the driver, or of a job.</summary>
        private sealed class Visitor : CustomNetworkInterface
        {
            internal NetworkDriver Driver;
            internal JobHandle Job;
            internal int Result;
            internal string Why;
            internal bool Armed;

            protected internal override int Bind(
                NetworkEndpoint endpoint, out NetworkEndpoint local)
            {
                local = endpoint;
                return 0;
            }

            protected internal override int Receive(ref IncomingPackets packets)
            {
                if (!Armed)
                    return 0;
                Armed = false;
                Job = Driver.ScheduleFlushSend();
                Result = Job.Complete();
                Why = NetDriverLibrary.LastError;
                return 0;
            }

            protected internal override int Send(ref OutgoingPackets packets)
            {
                return 0;
            }
        }

        public static void AJobIsRefusedWhereItCanNeverRun()
        {
            foreach (uint workers in new uint[] { 0, 1, 3 })
            {
                Visitor visitor = new Visitor();
                using (NetworkDriver driver = NetworkDriver.Create(visitor, Workers(workers)))
                {
                    NetworkEndpoint address = default(NetworkEndpoint);
                    address.SetRawAddressBytes(new byte[] { 1 }, NetworkFamily.Custom);
                    Check.Equal(0, driver.Bind(address), "bind");
                    visitor.Driver = driver;
                    visitor.Armed = true;
                    driver.Wait(1);
                    Check.That(!visitor.Armed, "was asked");
                    Check.Status(StatusCode.DriverInUse, visitor.Result, "inside of a call");
                    Check.That(visitor.Why.Contains("leave the call"), visitor.Why);
                    Check.Equal(0, visitor.Job.Complete(), "afterwards");
                    visitor.Armed = true;
                    Check.Equal(0, driver.ScheduleUpdate().Complete(), "update");
                    Check.Status(StatusCode.InvalidArgument, visitor.Result, "inside of a job");
                    Check.Equal(0, visitor.Job.Complete(), "afterwards");
                    Check.Equal(0, driver.ScheduleUpdate().Complete(), "it goes on");
                }
            }
        }

        public static void FramesOfJobsMakeNoGarbage()
        {
            foreach (uint workers in new uint[] { 0, 2 })
            {
                using (Server server = new Server(workers))
                {
                    for (int i = 0; i < Frames; i++)
                        server.ScheduleFrame().Complete();
                    GC.Collect();
                    long before = GC.GetTotalMemory(false);
                    int collections = GC.CollectionCount(0);
                    for (int i = 0; i < Frames; i++)
                        server.ScheduleFrame().Complete();
                    Check.That(GC.GetTotalMemory(false) - before < 32768, "bytes");
                    Check.Equal(collections, GC.CollectionCount(0), "collections");
                }
            }
        }
    }
}
