#if NETDRIVER_COLLECTIONS
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using NetDriver;

/// <summary>
/// What docs/COMING_FROM.md says of Unity Transport's members: each name of a row is a public type,
/// or a public member of one of the types that the row names.
/// </summary>
internal static class MemberTable
{
    private const string Document = "docs/COMING_FROM.md";
    private const string Head = "| type | its members, all of them here |";
    private const int RowsMin = 20;

    private const BindingFlags Public = BindingFlags.Public | BindingFlags.Instance
        | BindingFlags.Static | BindingFlags.DeclaredOnly;

    internal static void Run()
    {
        Type[] types = typeof(NetworkDriver).Assembly.GetTypes().Where(IsOurs).ToArray();
        int rows = 0;
        IEnumerable<string> lines = File.ReadAllLines(Document)
            .SkipWhile(line => line != Head).Skip(2).TakeWhile(line => line.StartsWith("| "));
        foreach (string line in lines)
        {
            rows++;
            string[] names = Regex.Matches(line, "`([A-Za-z0-9_.]+)`").Cast<Match>()
                .Select(match => match.Groups[1].Value).ToArray();
            Type[] named = names.SelectMany(name => types.Where(type => IsNamed(type, name)))
                .SelectMany(WithNested).Distinct().ToArray();
            foreach (string name in names)
                Checks.That(
                    named.Any(type => IsNamed(type, name) || Has(type, name)),
                    Document + ": there is no " + name + " in: " + line.Split('|')[1].Trim());
        }
        Checks.That(rows >= RowsMin, "rows of the table: " + rows);
    }

    private static bool IsOurs(Type type)
    {
        return type.IsVisible && type.FullName.StartsWith("NetDriver.");
    }

    // By its last names: Concurrent is two types, NetworkDriver.Concurrent one.
    private static bool IsNamed(Type type, string name)
    {
        return ("." + type.FullName.Replace('+', '.')).EndsWith("." + name);
    }

    private static IEnumerable<Type> WithNested(Type type)
    {
        return new[] { type }.Concat(type.GetNestedTypes());
    }

    private static bool Has(Type type, string name)
    {
        return type.GetMember(name, Public).Length > 0;
    }
}
#endif
