using System;
using NetDriver;
using NetDriver.Error;
using Unity.Jobs;

/// <summary>
/// A jobified server whose work is of classes (INetworkJob): every handle is Unity's.
/// </summary>
internal static class WorkOfClasses
{
    private const int Clients = 5;
    private const int FramesMax = 10000;

    private sealed class AcceptConnections : INetworkJob
    {
        internal NetworkDriver Server;
        internal int Accepted;

        public void Execute()
        {
            while (Server.Accept().IsCreated)
                Accepted++;
        }
    }

    private sealed class Echo : INetworkJobForEachConnection
    {
        public void Execute(NetworkDriver.Concurrent server, NetworkConnection connection)
        {
            DataStreamReader reader;
            NetworkEvent.Type kind;
            while ((kind = server.PopEventForConnection(connection, out reader))
                != NetworkEvent.Type.Empty)
            {
                DataStreamWriter writer;
                if (kind != NetworkEvent.Type.Data
                    || server.BeginSend(NetworkPipeline.Null, connection, out writer) != 0)
                    continue;
                writer.WriteInt(reader.ReadInt());
                server.EndSend(writer);
            }
        }
    }

    private sealed class Fail : INetworkJobForEachConnection
    {
        public void Execute(NetworkDriver.Concurrent server, NetworkConnection connection)
        {
            throw new InvalidOperationException("on purpose");
        }
    }

    private sealed class Count : INetworkJob
    {
        internal int Runs;

        public void Execute()
        {
            Runs++;
        }
    }

    internal static void Run()
    {
        NetworkDriver server = NetworkDriver.Create(new IPCNetworkInterface());
        NetworkDriver client = NetworkDriver.Create(new IPCNetworkInterface());
        server.Bind(NetworkEndpoint.LoopbackIpv4);
        server.Listen();
        for (int i = 0; i < Clients; i++)
            client.Connect(server.GetLocalEndpoint());
        AcceptConnections accept = new AcceptConnections { Server = server };
        Echo echo = new Echo();
        int echoed = 0;
        for (int frame = 0; frame < FramesMax && echoed < Clients; frame++)
        {
            JobHandle job = server.ScheduleUpdate();
            job = server.ScheduleJob(accept, job);
            job = server.ScheduleForEachConnection(echo, 1, job);
            job = server.ScheduleFlushSend(job);
            job.Complete();
            echoed += Play(client);
        }
        Checks.That(accept.Accepted == Clients, "accepted");
        Checks.That(echoed == Clients, "echoed");
        Checks.That(server.ReceiveErrorCode == 0, "no error");
        Checks.That(FailuresAreTold(server), "failures are told");
        Checks.That(NoWorkIsDone(default(NetworkDriver)), "no work without a driver");
        MultiNetworkDriver several = MultiNetworkDriver.Create();
        JobHandle all = several.ScheduleUpdate(several.ScheduleFlushSend());
        all.Complete();
        several.Dispose();
        client.Dispose();
        server.Dispose();
        Checks.That(!server.IsCreated, "disposed");
        Checks.That(NoWorkIsDone(server), "no work for a disposed driver");
    }

    // Until the next update.
    private static bool FailuresAreTold(NetworkDriver server)
    {
        string line = null;
        NetDriverLog.SetCallback(NetDriverLogLevel.Error, (level, text) => line = text);
        JobHandle job = server.ScheduleForEachConnection(new Fail());
        server.ScheduleFlushSend(job).Complete();
        NetDriverLog.SetCallback(NetDriverLogLevel.None, null);
        bool told = server.ReceiveErrorCode == (int)StatusCode.JobFailed
            && line != null && line.Contains("on purpose");
        server.ScheduleUpdate().Complete();
        return told && server.ReceiveErrorCode == 0;
    }

    // Without a driver; a job that needs it would throw.
    private static bool NoWorkIsDone(NetworkDriver driver)
    {
        Count count = new Count();
        JobHandle job = driver.ScheduleFlushSend(driver.ScheduleUpdate());
        job = driver.ScheduleForEachConnection(new Fail(), 1, driver.ScheduleJob(count, job));
        job.Complete();
        return count.Runs == 0;
    }

    private static int Play(NetworkDriver client)
    {
        int echoed = 0;
        client.ScheduleUpdate().Complete();
        NetworkConnection connection;
        DataStreamReader reader;
        NetworkEvent.Type kind;
        while ((kind = client.PopEvent(out connection, out reader)) != NetworkEvent.Type.Empty)
        {
            DataStreamWriter writer;
            if (kind == NetworkEvent.Type.Data && reader.ReadInt() == 4711)
                echoed++;
            if (kind != NetworkEvent.Type.Connect
                || client.BeginSend(NetworkPipeline.Null, connection, out writer) != 0)
                continue;
            writer.WriteInt(4711);
            client.EndSend(writer);
        }
        client.ScheduleFlushSend().Complete();
        return echoed;
    }
}
