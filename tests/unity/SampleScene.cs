using System.Reflection;
using NetDriver;

/// <summary>The samples of csharp/Unity as the engine runs them, a server and clients.</summary>
internal static class SampleScene
{
    private const int Clients = 12;
    private const int FramesMax = 100000;

    internal static void Run()
    {
        JobifiedServer server = new JobifiedServer { Port = 0 };
        server.Send("Start");
        FieldInfo field = typeof(JobifiedServer).GetField(
            "m_Driver", BindingFlags.Instance | BindingFlags.NonPublic);
        NetworkDriver driver = (NetworkDriver)field.GetValue(server);
        ushort port = driver.GetLocalEndpoint().Port;
        JobifiedClient[] clients = new JobifiedClient[Clients];
        for (int i = 0; i < Clients; i++)
        {
            clients[i] = new JobifiedClient { Port = port };
            clients[i].Send("Start");
        }
        int answered = 0;
        for (int frame = 0; frame < FramesMax && answered < Clients; frame++)
        {
            answered = 0;
            server.Send("Update");
            foreach (JobifiedClient client in clients)
            {
                client.Send("Update");
                answered += client.Answer == 3 ? 1 : 0;
            }
        }
        Checks.That(answered == Clients, answered + " clients were answered");
        foreach (JobifiedClient client in clients)
            client.Send("OnDestroy");
        server.Send("OnDestroy");
        Checks.That(!driver.IsCreated, "the server's driver is disposed");
    }
}
